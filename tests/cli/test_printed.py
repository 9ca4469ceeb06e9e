"""Tables on terminals of any width, CSV, and what a command line that does not fit is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.test_report import run
from tests.conftest import fixture_capture
from tshark_report.cli import printed

ROW = {
    "a": "203.0.113.200", "a_port": 53334, "b": "198.51.100.123", "b_port": 443, "packets": 1382, "bytes": 325560,
    "packets_ab": 214, "bytes_ab": 314307, "packets_ba": 168, "bytes_ba": 11253, "first_time": 1795510340.9,
    "seconds": 0.0658, "first_frame": 1110,
}  # fmt: skip


@pytest.mark.parametrize("width", [40, 60, 80, 100, 130, 200])
def test_columns_are_left_out_and_not_cut(width: int) -> None:
    cells = {name: [printed._cell(name, ROW)] for name in ROW}
    kept = printed._fitting(list(ROW), cells, Console(width=width))
    used = sum(max(len(cells[name][0]), len(printed._heading(name))) + 3 for name in kept) + 1
    assert used <= width or not set(kept) & set(printed.LEFT_OUT_FIRST)
    assert {"a", "a_port", "b", "b_port", "packets", "bytes"} <= set(kept)
    assert (kept == list(ROW)) == (width == 200)


def test_a_narrow_terminal_shows_whole_addresses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    printed.table("conversations", [{"a": "2001:db8:1:2:3:4:5:6", "b": "2001:db8:6:5:4:3:2:1", "bytes": 7}], None)
    shown = capsys.readouterr().out
    assert "\u2026" not in shown
    assert shown.count("2001:db8") >= 1


def test_cells() -> None:
    assert printed._cell("a_port", ROW) == "53334"
    assert printed._cell("bytes", ROW) == "325,560"
    assert printed._cell("first_time", ROW) == "2026-11-24 08:52:20"
    assert printed._cell("protocol", {"protocol": "\x1b[2J", "level": 2}) == "    \\x1b[2J"
    assert printed._cell("a", {"a": None}) == ""


def test_csv_is_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    printed.as_csv(["name", "count"], [["=cmd()", -3]])
    assert capsys.readouterr().out.splitlines() == ["name,count", "'=cmd(),-3"]


@pytest.mark.tshark
def test_a_view_without_rows_still_has_columns(tmp_path: Path) -> None:
    args = ("stats", fixture_capture("port_scan"), "ports", "--filter", "arp.opcode == 99")
    assert run(*args, "--csv", cwd=tmp_path).stdout == "protocol,port,conversations,clients,servers,packets,bytes\n"
    assert json.loads(run(*args, "--json", cwd=tmp_path).stdout) == {"ports": []}
    assert run(*args, cwd=tmp_path).stdout == "no packet matches\n"


@pytest.mark.parametrize(
    ("args", "detail"),
    [
        (("reprt",), "No such command 'reprt'"),
        (("report", "x.pcap", "--bogus"), "No such option: --bogus"),
        (("report", "x.pcap", "--paper", "B5"), "'B5' is not one of 'A4', 'Letter'"),
        (("explain",), "Missing argument"),
        (("stats", "x.pcap", "nonsense"), "'nonsense' is not one of"),
        (("report", "x.pcap", "--tlp", "mauve"), "mauve"),
        (("report", "x.pcap", "--redact", "names"), "names"),
        (("report", "x.pcap", "--indicators", "i.txt"), "i.txt"),
    ],
)
def test_a_command_line_that_does_not_fit_is_an_error_like_any_other(
    tmp_path: Path, args: tuple[str, ...], detail: str
) -> None:
    (tmp_path / "x.pcap").write_bytes(b"")
    done = run(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.split(":")[0].strip() for line in (lines[0], lines[1], lines[2], lines[-1])] == [
        "tshark-report", "detail", "likely cause", "next",
    ]  # fmt: skip
    assert detail in lines[1]


def test_without_a_command_there_is_help(tmp_path: Path) -> None:
    for args in ((), ("baseline",)):
        done = run(*args, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("Usage: ")
        assert "Commands:" in done.stderr


@pytest.mark.parametrize("text", ["24:00", "25:99", "9:60", "09:14:61"])
def test_a_time_that_no_clock_shows(tmp_path: Path, text: str) -> None:
    done = run("stats", fixture_capture("port_scan"), "--from", text, cwd=tmp_path)
    assert done.returncode == 2
    assert "is not a moment" in done.stderr
