"""`fields`: which columns are shown, how they are marked, and how they fit."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.test_report import run
from tests.conftest import fixture_capture
from tshark_report.cli import fields


def test_usual_fields_that_no_packet_has_are_left_out() -> None:
    rows = [["1", "fe80::1", None, "64"], ["2", "fe80::1", None, "64"]]
    made = fields._lined_up(rows, ("ipv6.src", "ip.src", "ipv6.hlim"), whole=False)
    assert [column.name for column in made.columns] == ["ipv6.src", "ipv6.hlim"]
    asked = fields._lined_up(rows, ("ipv6.src", "ip.src", "ipv6.hlim"), whole=True)
    assert [(column.name, column.note) for column in asked.columns][1] == ("ip.src", "never present")


def test_a_column_is_looked_at_sender_by_sender() -> None:
    rows = [[str(n), f"10.0.0.{n % 2}", "64" if n % 2 else "128"] for n in range(1, 9)]
    assert fields._lined_up(rows, ("ip.src", "ip.ttl"), whole=True).columns[1].note == "constant for each sender"
    alone = fields._lined_up([[frame, ttl] for frame, _, ttl in rows], ("ip.ttl",), whole=True)
    assert alone.columns[0].mark == "varying"


def test_no_packet_has_no_rows() -> None:
    assert fields._lined_up([], ("ip.src",), whole=True).rows == []


@pytest.mark.parametrize("width", [12, 24, 40, 80])
def test_blocks_fit_the_terminal_and_lose_nothing(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((width, 24)))
    columns = [[f"head{n}", f"cell{n}", "\u7f51"] for n in range(9)]
    blocks = list(fields._blocks(columns))
    assert all(len(line) <= width for block in blocks for line in block if len(line.split()) > 2)
    assert all(block[0].startswith("head0") for block in blocks)
    seen = [word for block in blocks for word in block[0].split()[1:]]
    assert seen == [column[0] for column in columns[1:]]
    assert (len(blocks) == 1) == (width == 80)


def test_a_pipe_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert len(list(fields._blocks([["x" * 100, "y"] for _ in range(9)]))) == 1


def test_one_column() -> None:
    assert list(fields._blocks([["head", "cell"]])) == [["head", "cell"]]


@pytest.mark.tshark
def test_csv_and_json_hold_the_same_packets(tmp_path: Path) -> None:
    args = ("fields", fixture_capture("port_scan"), "-e", "ip.src", "-e", "tcp.dstport", "-e", "ip.src", "--limit", "7")
    made = json.loads(run(*args, "--json", cwd=tmp_path).stdout)
    rows = list(csv.reader(io.StringIO(run(*args, "--csv", cwd=tmp_path).stdout)))
    assert rows[0] == ["ip.src", "tcp.dstport"]
    assert rows[1:] == made["rows"]
    assert len(made["rows"]) == 7


@pytest.mark.tshark
def test_no_packet_matches_is_still_json(tmp_path: Path) -> None:
    args = ("fields", fixture_capture("port_scan"), "--filter", "tcp.port == 1 && udp")
    assert json.loads(run(*args, "--json", cwd=tmp_path).stdout)["rows"] == []
    assert run(*args, cwd=tmp_path).stdout == "no packet matches\n"


@pytest.mark.tshark
def test_what_is_no_capture_is_none_here_either(tmp_path: Path) -> None:
    for name, content in (("text.pcap", b"# not a capture\n" * 9), ("short.pcap", b"abcdef"), ("empty.pcap", b"")):
        (tmp_path / name).write_bytes(content)
        done = run("fields", name, cwd=tmp_path)
        assert done.returncode == 4, (name, done.stdout, done.stderr)
        assert "next: " in done.stderr


@pytest.mark.tshark
def test_a_capture_in_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copy(fixture_capture("port_scan"), closed / "c.pcapng")
    (closed / "c.pcapng").chmod(0o600)
    done = run("fields", closed / "c.pcapng", "--limit", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The first 2 packets" in done.stdout
