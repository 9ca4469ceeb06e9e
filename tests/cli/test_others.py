"""stats, fields, rules, explain, doctor, --version, and what goes to a terminal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.test_report import run
from tests.conftest import fixture_capture
from tshark_report import __version__
from tshark_report.cli.terminal import plain
from tshark_report.rules import ALL


def test_version(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).stdout == f"tshark-report {__version__}\n"


@pytest.mark.tshark
def test_stats_as_json_and_csv_say_the_same(tmp_path: Path) -> None:
    capture = fixture_capture("clean_wire")
    made = json.loads(run("stats", capture, "--json", cwd=tmp_path).stdout)
    assert {"hierarchy", "ports", "expert", "conversations tcp", "endpoints ipv4"} <= set(made)
    rows = list(
        csv.DictReader(
            io.StringIO(run("stats", capture, "conversations", "--kind", "tcp", "--csv", cwd=tmp_path).stdout)
        )
    )
    assert [int(r["bytes"]) for r in rows] == [r["bytes"] for r in made["conversations tcp"]]


@pytest.mark.tshark
def test_stats_on_a_terminal(tmp_path: Path) -> None:
    done = run("stats", fixture_capture("clean_wire"), "endpoints", "--kind", "ipv4", cwd=tmp_path)
    assert done.returncode == 0
    assert "endpoints ipv4" in done.stdout


@pytest.mark.tshark
def test_fields_marks_columns(tmp_path: Path) -> None:
    done = run(
        "fields",
        fixture_capture("odd_headers"),
        "-e",
        "ip.ttl",
        "-e",
        "ip.src",
        "-e",
        "frame.number",
        "--packets",
        "1-10",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    head = done.stdout.splitlines()[0]
    assert "ip.ttl" in head
    assert "+frame.number" in head


@pytest.mark.tshark
@pytest.mark.parametrize("args", [("-e", "no.such.field"), ("--packets", "x"), ("--filter", "((")])
def test_fields_refuses(tmp_path: Path, args: tuple[str, str]) -> None:
    done = run("fields", fixture_capture("clean_wire"), *args, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("tshark-report: ")


def test_rules_and_explain(tmp_path: Path) -> None:
    listed = run("rules", cwd=tmp_path).stdout.splitlines()
    assert len(listed) == len(ALL)
    page = run("explain", ALL[0].code.lower(), cwd=tmp_path).stdout
    assert page.startswith(f"# {ALL[0].code} {ALL[0].name}")
    wrong = run("explain", "XXX999", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "next: tshark-report" in wrong.stderr


@pytest.mark.tshark
def test_doctor(tmp_path: Path) -> None:
    done = run("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "tshark 4." in done.stdout
    broken = run("doctor", "--tshark", "/nonexistent", cwd=tmp_path)
    assert broken.returncode == 3
    assert "fix:" in broken.stdout


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[2J", "\\x1b[2J"), ("a\u202eb", "a\\u202eb"), ("plain", "plain"), ("größe", "größe"), ("a\tb", "a\\x09b")],
)
def test_a_terminal_stays_sane(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.tshark
def test_carve_cuts_out_a_starting_point_with_comments(tmp_path: Path) -> None:
    import subprocess

    done = run("carve", fixture_capture("staged_incident"), "1", "-o", "e.pcapng", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = subprocess.run(
        ["tshark", "-n", "-r", tmp_path / "e.pcapng", "-T", "fields", "-e", "frame.comment"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    comments = said.stdout.strip().splitlines()
    assert any("DEL001" in c for c in comments)
    assert all(c for c in comments)
    wrong = run("carve", fixture_capture("staged_incident"), "X9", cwd=tmp_path)
    assert wrong.returncode == 2


@pytest.mark.tshark
def test_login_packets_are_kept_back(tmp_path: Path) -> None:
    done = run("carve", fixture_capture("cleartext_logins"), "LOG001", "-o", "e.pcapng", cwd=tmp_path)
    assert done.returncode == 2
    assert "--show-secrets" in done.stderr
    done = run("carve", fixture_capture("cleartext_logins"), "LOG001", "-o", "e.pcapng", "--show-secrets", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
