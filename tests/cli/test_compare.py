"""`compare` as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_report import run
from tests.conftest import fixture_capture

pytestmark = pytest.mark.tshark


def test_every_format_and_the_first_line(tmp_path: Path) -> None:
    outputs = [arg for s in ("html", "pdf", "json") for arg in ("-o", f"c.{s}")]
    done = run("compare", fixture_capture("fast_server"), fixture_capture("slow_server"), *outputs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("The server is slower: orders.partner.example tcp/80")
    assert lines[-3:] == ["c.html", "c.pdf", "c.json"]
    made = json.loads((tmp_path / "c.json").read_text())
    assert made["headline"] == lines[0]
    assert lines[0] in (tmp_path / "c.html").read_text()
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("gone.pcap", "gone.pcap"), 4, "does not exist"),
        (("a.pcap", "b.pcap", "-o", "c.docx"), 2, "does not say a format"),
        (("a.pcap", "b.pcap", "-o", "no/where.html"), 5, "folder does not exist"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, args: tuple[str, ...], code: int, words: str) -> None:
    done = run("compare", *args, cwd=tmp_path)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_second_file_that_is_no_capture(tmp_path: Path) -> None:
    (tmp_path / "b.pcap").write_text("hello")
    done = run("compare", fixture_capture("clean_wire"), "b.pcap", cwd=tmp_path)
    assert done.returncode == 4
    assert done.stdout == ""
