"""`expect` as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_report import run
from tests.conftest import fixture_capture

pytestmark = pytest.mark.tshark


def test_init_edit_and_report(tmp_path: Path) -> None:
    done = run("expect", "init", fixture_capture("clean_wire"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "expect.toml\n"
    path = tmp_path / "expect.toml"
    again = run("expect", "init", fixture_capture("clean_wire"), cwd=tmp_path)
    assert again.returncode == 2
    assert "perhaps edited" in again.stderr
    same = run("report", fixture_capture("clean_wire"), "--expect", "expect.toml", "-o", "r.json", cwd=tmp_path)
    assert same.returncode == 0
    assert json.loads((tmp_path / "r.json").read_text())["expected"]["unexpected"] == 0
    path.write_text(path.read_text().replace("partner.example", "other.example"))
    changed = run(
        "report", fixture_capture("clean_wire"), "--expect", "expect.toml", "-o", "r.html", "-o", "r.json", cwd=tmp_path
    )
    assert changed.returncode == 0
    view = json.loads((tmp_path / "r.json").read_text())["expected"]
    assert any(r["what"] == "reaches partner.example" and r["verdict"] == "unexpected" for r in view["rows"])
    assert "Expected and observed" in (tmp_path / "r.html").read_text()


def test_a_broken_file_is_told_and_the_report_comes(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text("[[host]]\nrole = 1")
    done = run("report", fixture_capture("clean_wire"), "--expect", "e.toml", "-o", "r.json", cwd=tmp_path)
    assert done.returncode == 0
    assert "Nothing was compared" in done.stderr
    gone = run("report", fixture_capture("clean_wire"), "--expect", "gone.toml", "-o", "r.json", cwd=tmp_path)
    assert gone.returncode == 2


def test_without_arguments_there_is_help(tmp_path: Path) -> None:
    assert "init" in run("expect", cwd=tmp_path).stdout + run("expect", cwd=tmp_path).stderr
    assert run("expect", "init", "gone.pcap", cwd=tmp_path).returncode == 4
