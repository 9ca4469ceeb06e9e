"""Expected against observed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.normal import office as o
from tshark_report.expect import observe
from tshark_report.expect.check import checked
from tshark_report.report.model import ExpectedView

MADE = [o.session(0, server=o.SERVER, port=445), o.session(1, at=5), o.session(2, server=o.SERVER, port=8080, at=9)]


def against(tmp_path: Path, text: str) -> ExpectedView:
    path = tmp_path / "e.toml"
    path.write_text(text)
    return checked(path, o.tables(*MADE, names={o.SHOP: "www.shop.example"}), o.SETTINGS)


def rows(view: ExpectedView, verdict: str) -> list[tuple[str, str]]:
    return [(r.host, r.what) for r in view.rows if r.verdict == verdict]


FULL = f"""
[[host]]
address = "{o.PC}"
role = "client"
uses = ["tcp/445", "tcp/443", "tcp/8080"]
reaches = ["shop.example"]
[[host]]
address = "{o.SERVER}"
role = "file server"
mac = ["02:00:00:00:00:50"]
offers = ["tcp/445", "tcp/8080"]
"""


def test_all_as_expected(tmp_path: Path) -> None:
    view = against(tmp_path, FULL)
    assert (view.missing, view.unexpected, view.different) == (0, 0, 0)
    assert view.as_expected == 8
    assert "all as expected" in view.sentence


def test_unexpected_missing_and_different(tmp_path: Path) -> None:
    view = against(tmp_path, f"""
[[host]]
address = "{o.PC}"
reaches = []
[[host]]
address = "{o.SERVER}"
role = "printer"
mac = ["aa:aa:aa:aa:aa:aa"]
offers = ["tcp/445", "tcp/9100"]
[[host]]
address = "10.0.0.99"
name = "the second server"
[[host]]
address = "10.0.0.98"
must_be_seen = false
""")  # fmt: skip
    assert rows(view, "unexpected") == [(o.PC, "reaches shop.example"), (o.SERVER, "offers tcp/8080")]
    assert rows(view, "different") == [(o.SERVER, "role"), (o.SERVER, "hardware address")]
    assert rows(view, "missing") == [(o.SERVER, "offers tcp/9100"), ("10.0.0.99", "host")]
    assert [r.verdict for r in view.rows] == sorted(
        (r.verdict for r in view.rows), key=["unexpected", "different", "missing", "as expected"].index
    )
    first = view.rows[0]
    assert first.first_frame == 7
    assert first.display_filter == f"(ip.addr == {o.PC} && ip.addr == {o.SHOP}) && tcp.port == 443"
    assert "2 unexpected, 2 different and 2 missing" in view.sentence


def test_hosts_that_nobody_wrote_down(tmp_path: Path) -> None:
    text = f'[[host]]\naddress = "{o.PC}"\n'
    assert rows(against(tmp_path, text), "unexpected") == [(o.SERVER, "host")]
    assert rows(against(tmp_path, "only_these = false\n" + text), "unexpected") == []
    group = text + '[[host]]\naddress = "10.0.0.64/26"\noffers = ["tcp/445"]\n'
    assert rows(against(tmp_path, group), "unexpected") == [(o.SERVER, "offers tcp/8080")]
    empty = text + '[[host]]\naddress = "10.8.0.0/24"\nmust_be_seen = true\nname = "cameras"\n'
    assert ("10.8.0.0/24", "hosts") in rows(against(tmp_path, empty), "missing")


def test_lists_that_are_left_out_are_not_checked(tmp_path: Path) -> None:
    view = against(tmp_path, f'[[host]]\naddress = "{o.PC}"\n[[host]]\naddress = "{o.SERVER}"\n')
    assert view.rows_total == view.as_expected == 2


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    view = against(tmp_path, "[[host]]\n")
    assert "no address" in view.problem
    assert view.sentence.startswith("Nothing was compared")
    assert view.rows == []


def test_hosts_beyond_the_limit_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence about a host must not be taken for the host being as expected."""
    text = f'[[host]]\naddress = "{o.PC}"\n'
    assert "not looked at" not in against(tmp_path, text).sentence
    monkeypatch.setattr(observe, "MOST_HOSTS", 1)
    assert against(tmp_path, text).sentence.endswith("1 further host was not looked at: the first 1 were.")
