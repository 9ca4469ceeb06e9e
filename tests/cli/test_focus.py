"""`report --focus`, `--ioc`, `--alerts` and `--around` as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_report import run
from tests.conftest import fixture_capture

pytestmark = pytest.mark.tshark
DATA = Path(__file__).parent.parent / "focus" / "data"


def test_all_of_them_together(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text(
        "Please look for hxxp://203[.]0[.]113[.]77/i/logo.gif and for anna[@]shop[.]example.\n"
    )
    (tmp_path / "list.csv").write_text("type,value\nip,192.0.2.88\ndomain,nowhere.example\n")
    outputs = [x for suffix in ("html", "json", "md") for x in ("-o", f"r.{suffix}")]
    done = run(
        "report", fixture_capture("staged_incident"), *outputs, "--focus", "www[.]toyshop[.]example", "--ioc", "mail.txt",
        "--ioc", "list.csv", "--alerts", DATA / "eve_staged_incident.json", "--alerts", DATA / "notice_staged_incident.log",
        "--around", "08:47:10", "--window", "5", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads((tmp_path / "r.json").read_text())
    focus = report["focus"]
    assert {m["kind"] for m in focus["matches"]} == {"name", "url", "address", "alert", "moment"}
    assert {m["value"] for m in focus["missing"]} == {"anna@shop.example", "nowhere.example"}
    assert focus["clients"][0]["address"] == "10.20.0.21"
    assert all(m["filter_checked"] for m in focus["matches"])
    assert "14 of 14 alerts fit" in focus["sentence"]
    page = (tmp_path / "r.html").read_text()
    assert page.index("What made you look") < page.index("Where to start</h2>")
    assert "What made you look" in (tmp_path / "r.md").read_text()


def test_what_cannot_be_used_is_said_and_the_report_comes(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"objects": ')
    (tmp_path / "eve.json").write_text("no alerts here\n")
    done = run(
        "report", fixture_capture("quiet_hour"), "-o", "r.json", "--ioc", "broken.json", "--ioc", "none.csv", "--alerts", "eve.json",
        "--focus", "two words", "--around", "2020-01-01T00:00:00", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for said in (
        "broken.json begins like JSON",
        "none.csv does not exist",
        "eve.json is neither",
        "two words: not recognised",
        "before the capture begins",
    ):
        assert said in done.stderr
    assert "Traceback" not in done.stderr
    notes = json.loads((tmp_path / "r.json").read_text())["focus"]["notes"]
    assert len(notes) == len(done.stderr.splitlines())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--focus", ""), "--focus names nothing"),
        (("--around", "half past nine"), "--around is not a moment"),
        (("--window", "0", "--around", "09:14"), "window"),
    ],
)
def test_usage(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = run("report", fixture_capture("quiet_hour"), "-o", "r.json", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "r.json").exists()


def test_with_pseudonyms(tmp_path: Path) -> None:
    done = run(
        "report", fixture_capture("staged_incident"), "-o", "r.json", "--focus", "203.0.113.77", "--focus", "203.0.113.78",
        "--redact", "ips,hosts", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "r.json").read_text()
    for secret in ("203.0.113.7", "10.20.0.21", "toyshop", "pc-anna"):
        assert secret not in text


def test_inside_a_filter(tmp_path: Path) -> None:
    """What the filter leaves out is not found, and the report says that it was limited."""
    done = run(
        "report", fixture_capture("staged_incident"), "-o", "r.json", "--focus", "203.0.113.77", "--filter", "dns", cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    focus = json.loads((tmp_path / "r.json").read_text())["focus"]
    assert [m["value"] for m in focus["missing"]] == ["203.0.113.77"]
    assert any("limited to some of the packets" in reason for reason in focus["hidden"][0]["reasons"])
