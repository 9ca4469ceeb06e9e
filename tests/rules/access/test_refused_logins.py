"""LOG002: fires at ten refusals or five names; quiet below, on mistyping; a stored password is less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, openings, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import ftp_try
from tshark_report.rules.access.refused_logins import refused_logins


def guesses(number: int, *, names: int = 1, same: bool = False) -> Any:
    return rows.ftp(*(ftp_try(i, f"user{i % names}", "same" if same else f"pw{i}", 530) for i in range(number)))


def test_fires_at_ten_refusals() -> None:
    found = drafts(refused_logins, guesses(10))
    assert [(d.priority, d.hosts) for d in found] == [("high", (rows.CLIENT, rows.SERVER))]
    assert "10 different passwords" in found[0].summary


def test_quiet_at_nine() -> None:
    assert not drafts(refused_logins, guesses(9))


def test_fires_at_five_names() -> None:
    assert drafts(refused_logins, guesses(5, names=5))
    assert not drafts(refused_logins, guesses(4, names=4))


def test_a_stored_password_is_lowered() -> None:
    found = drafts(refused_logins, guesses(12, same=True))
    assert found[0].priority == "medium"
    assert "same password" in found[0].summary


def test_says_that_one_was_accepted() -> None:
    tries = [ftp_try(i, "backup", f"pw{i}", 530) for i in range(10)]
    found = drafts(refused_logins, rows.ftp(*tries, ftp_try(10, "backup", "right", 230)))
    assert "was accepted" in found[0].summary
    assert "right" not in repr(found[0])


def test_quiet_on_two_mistypes_and_a_success() -> None:
    assert not drafts(
        refused_logins, rows.ftp(ftp_try(0, "a", "x", 530), ftp_try(1, "a", "y", 530), ftp_try(2, "a", "z", 230))
    )


def test_quiet_where_refusals_are_spread_over_the_day() -> None:
    lines = [row for i in range(12) for row in ftp_try(i, "anna", f"pw{i}", 530)]
    spread = [row | {"time": 1_700_000_000.0 + i * 600} for i, row in enumerate(lines)]
    assert not drafts(refused_logins, tables(ftp=family("ftp", *spread)))


def refusals(number: int, text: bytes) -> Any:
    base = {"src": rows.SERVER, "dst": rows.CLIENT, "src_port": 3306, "dst_port": 40000, "data": text}
    return tables(openings=openings(*[base | {"stream": i} for i in range(number)]))


@pytest.mark.parametrize(
    ("text", "protocol"),
    [
        (b"\xff\x15\x04#28000Access denied for user 'root'@'h' (using password: YES)", "MySQL"),
        (b'E\0\0\0dSFATAL\0C28P01\0Mpassword authentication failed for user "bob"\0', "PostgreSQL"),
        ("Login failed for user 'sa'.".encode("utf-16-le"), "Microsoft SQL Server"),
        (b"-WRONGPASS invalid username-password pair\r\n", "Redis"),
    ],
)
def test_databases_by_their_refusal(text: bytes, protocol: str) -> None:
    found = drafts(refused_logins, refusals(10, text))
    assert protocol in found[0].summary
    assert not drafts(refused_logins, refusals(9, text))


@pytest.mark.parametrize(
    ("last", "words"),
    [(None, "was refused too"), (b"+OK\r\n", "1 later session of the client to that port was not refused")],
)
def test_says_whether_a_later_session_was_not_refused(
    loaded: Any, tmp_path: Path, last: bytes | None, words: str
) -> None:
    """Where the login itself cannot be read, what came after it tells."""
    no = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
    answers = [no] * 10 + ([last] if last else [])
    frames = []
    for i, answer in enumerate(answers):
        ask = b"*2\r\n$4\r\nAUTH\r\n$2\r\np%d\r\n" % i
        frames += wire.conversation(i, wire.CLIENT, wire.SERVER, (41000 + i, 6379), [("c", ask), ("s", answer)])
    found = drafts(refused_logins, loaded(wire.write(tmp_path / "redis.pcap", frames)).tables)
    assert words in found[0].summary
    assert "No login was accepted" not in found[0].summary
    assert ("not refused" in found[0].sentence) == bool(last)


def test_telnet_guesses_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for i in range(10):
        said = [
            ("s", b"login: "),
            ("c", b"root\r\n"),
            ("s", b"Password: "),
            ("c", b"pw%d\r\n" % i),
            ("s", b"\r\nLogin incorrect\r\n"),
        ]
        frames += wire.conversation(i, wire.OUTSIDE, wire.SERVER, (41000 + i, 23), said)
    path = wire.write(tmp_path / "telnet.pcap", frames)
    found = drafts(refused_logins, loaded(path).tables)
    assert "Telnet" in found[0].summary
    assert wire.exact(path, found[0])


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("password_guessing")
    found = drafts(refused_logins, loaded(path).tables)
    assert [d.hosts for d in found] == [("10.20.0.66", "10.20.0.10")]
    assert "36 failed logins" in found[0].summary
    assert "was accepted" in found[0].summary
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("zeek_ftp_bruteforce")
    found = drafts(refused_logins, loaded(path).tables)
    assert found[0].hosts == ("192.168.56.1", "192.168.56.101")
    assert wire.exact(path, found[0])


MAIL: list[tuple[str, int, list[tuple[str, bytes]]]] = [
    (
        "POP3",
        110,
        [("s", b"+OK\r\n"), ("c", b"USER a\r\n"), ("s", b"+OK\r\n"), ("c", b"PASS %d\r\n"), ("s", b"-ERR no\r\n")],
    ),
    ("IMAP", 143, [("s", b"* OK\r\n"), ("c", b"a1 LOGIN a pw%d\r\n"), ("s", b"a1 NO no\r\n")]),
    (
        "SMTP",
        25,
        [
            ("s", b"220 x\r\n"),
            ("c", b"EHLO x\r\n"),
            ("s", b"250 AUTH PLAIN\r\n"),
            ("c", b"AUTH PLAIN AGEA%d==\r\n"),
            ("s", b"535 no\r\n"),
        ],
    ),
]


@pytest.mark.parametrize(("protocol", "port", "said"), MAIL)
def test_mail_on_the_wire(loaded: Any, tmp_path: Path, protocol: str, port: int, said: list[tuple[str, bytes]]) -> None:
    frames = []
    for i in range(10):
        lines = [(side, line % (10 + i) if b"%d" in line else line) for side, line in said]
        frames += wire.conversation(i, wire.OUTSIDE, wire.SERVER, (41000 + i, port), lines)
    path = wire.write(tmp_path / "mail.pcap", frames)
    found = drafts(refused_logins, loaded(path).tables)
    assert protocol in found[0].summary
    assert len(found[0].frames) == 10
    assert wire.exact(path, found[0])
