"""SCN010: an FTP server told to connect to somebody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import drafts, family, tables
from tests.rules.scans.conftest import Wire
from tshark_report.rules.scans.ftp_bounce import ftp_bounce, target_of


@pytest.mark.parametrize(
    ("command", "argument", "target"),
    [
        ("PORT", "10,0,0,9,0,80", ("10.0.0.9", 80)),
        ("port", "10,0,0,9,31,144", ("10.0.0.9", 8080)),
        ("EPRT", "|1|10.0.0.9|6446|", ("10.0.0.9", 6446)),
        ("EPRT", "|2|2001:db8::9|6446|", ("2001:db8::9", 6446)),
        ("PORT", "10,0,0,256,0,80", None),
        ("PORT", "10,0,0,9", None),
        ("EPRT", "|1|host|6446|", None),
        ("EPRT", "", None),
        ("RETR", "10,0,0,9,0,80", None),
        (None, None, None),
    ],
)
def test_targets(command: str | None, argument: str | None, target: tuple[str, int] | None) -> None:
    assert target_of(command, argument) == target


@given(st.sampled_from(["PORT", "EPRT"]), st.text())
def test_any_argument(command: str, argument: str) -> None:
    target = target_of(command, argument)
    assert target is None or 0 <= target[1] < 65536


def commands(count: int, address: str = "10,0,0,9", src: str = "10.0.0.5") -> list[dict]:
    return [
        {"src": src, "dst": "10.0.0.80", "command": "PORT", "argument": f"{address},0,{20 + n}"} for n in range(count)
    ]


def test_fires_at_three_targets_and_is_quiet_at_two() -> None:
    found = drafts(ftp_bounce, tables(ftp=family("ftp", *commands(3))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.5 -> 10.0.0.80", "low")]
    assert "connect to 10.0.0.9 instead of itself" in found[0].summary
    assert not drafts(ftp_bounce, tables(ftp=family("ftp", *commands(2))))


def test_ten_targets_are_medium() -> None:
    assert drafts(ftp_bounce, tables(ftp=family("ftp", *commands(9))))[0].priority == "low"
    assert drafts(ftp_bounce, tables(ftp=family("ftp", *commands(10))))[0].priority == "medium"


def test_own_address_and_nat_are_quiet() -> None:
    assert not drafts(ftp_bounce, tables(ftp=family("ftp", *commands(20, "10,0,0,5"))))
    assert not drafts(ftp_bounce, tables(ftp=family("ftp", *commands(20, "192,168,1,7", src="203.0.113.7"))))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(ftp_bounce)) == ["10.9.0.78 -> 10.9.0.21"]
