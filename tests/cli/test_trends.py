"""`tshark-report trends` as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from tests.trends.made import week
from tshark_report.cli import load_commands
from tshark_report.cli.app import app
from tshark_report.errors import ReportError
from tshark_report.trends.model import Trends

load_commands()


def invoke(*args: object) -> Result:
    return CliRunner().invoke(app, ["trends", *map(str, args)])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return week(
        tmp_path_factory.mktemp("w"),
        {443: [60, 64, 58, 61, 240, 250], 22: [30, 32, 29, 31, 120, 125], 5358: [0, 0, 0, 0, 30, 4000]},
        sources=200,
    )


def test_on_a_terminal(out: Path) -> None:
    done = invoke(out)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("TCP port 5358 (wsdapi-s) went from nothing to 4,000 a day, beginning with 2026-03-06")
    assert any("2026-03-07" in line and "4,000" in line and line.endswith("#" * 30) for line in lines)
    assert any("2026-03-05" in line and line.split()[1] == "0" and "#" not in line for line in lines)
    for words in ("Hajime", "filter: tcp.port == 5358", "packets: tshark-report carve day6.pcap", "harmless: "):
        assert words in done.stdout
    assert "TCP port 443" in done.stdout.split("not raised")[1]


def test_json_is_the_model(out: Path) -> None:
    made = msgspec.json.decode(invoke(out, "--json").stdout, type=Trends)
    assert [one.key for one in made.grown if one.kind == "port"] == ["tcp/5358"]
    assert {counted.kind for counted in made.counted} == {"port", "protocol", "client", "server", "name"}


def test_files(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke(out, "-o", "t.html", "-o", "t.json", "--only", "ports")
    assert done.stdout == "t.html\nt.json\n"
    assert "tcp.port == 5358" in (tmp_path / "t.html").read_text()
    assert [c["kind"] for c in json.loads((tmp_path / "t.json").read_text())["counted"]] == ["port"]


def test_hours_and_files_by_the_users_wish(out: Path) -> None:
    assert json.loads(invoke(out, "--by", "file", "--json").stdout)["buckets"][0]["label"] == "day1.pcap"
    assert json.loads(invoke(out, "--by", "hour", "--json").stdout)["step"] == "hour"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["absent"], "does not exist"),
        (["OUT", "-o", "t.txt"], "does not say a format"),
        (["OUT", "-o", "no/t.html"], "does not exist"),
        (["OUT", "--only", "ports,colours"], "colours"),
    ],
)
def test_asked_wrongly(out: Path, args: list[str], words: str) -> None:
    done = invoke(*(out if arg == "OUT" else arg for arg in args))
    assert isinstance(done.exception, ReportError)
    assert words in done.exception.what
    assert done.exception.next_step
