"""`tshark-report query` as its users meet it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.conftest import TOP
from tests.store.folders import folder
from tshark_report.cli import load_commands
from tshark_report.cli.app import app, print_error
from tshark_report.errors import ReportError
from tshark_report.store.query import named
from tshark_report.store.schema import TABLES

pytest.importorskip("duckdb", reason="DuckDB is an extra")
load_commands()


def invoke(*args: object, text: str = "") -> Result:
    """`tshark-report query ARGS`, with errors printed as the command line prints them."""
    return CliRunner().invoke(app, ["query", *map(str, args)], input=text)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("q")
    folder(
        top / "tables/capture=one",
        packets=[{"frame": n, "time": float(n), "length": 10 * n, "src": "10.0.0.1", "dst": f"10.0.1.{n}"} for n in range(1, 61)],
        http=[{"frame": 1, "time": 1.0, "src": "10.0.0.1", "user_agent": "=cmd|'/C calc'!A0\x1b[31m", "protocol": "HTTP"}],
        openings=[{"frame": 1, "time": 1.0, "data": b"\x00MZ"}],
        files=[{"name": "a", "sha256": "aa", "inside": ["x", "y"]}],
    )  # fmt: skip
    (top / "tables/capture=two").mkdir()
    (top / "tables/capture=two/manifest.json").write_text("{")
    return top


def test_a_table_says_how_many_rows_there_are(out: Path) -> None:
    done = invoke(out, "select frame, length from packets order by frame", "--limit", "3")
    assert done.exit_code == 0, done.output
    assert "3 of 60 rows; all of them: --csv or --json" in done.stdout
    assert "left out: capture=two" in done.stderr


def test_csv_holds_every_row_and_no_formula(out: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(invoke(out, "select frame, length from packets", "--csv").stdout)))
    assert [int(r["frame"]) for r in rows] == list(range(1, 61))
    (row,) = csv.DictReader(io.StringIO(invoke(out, "select user_agent from http", "--csv").stdout))
    assert not row["user_agent"].startswith("=")


def test_json_is_json(out: Path) -> None:
    assert len(json.loads(invoke(out, "select * from packets", "--json").stdout)) == 60
    assert json.loads(invoke(out, "select 1 where false", "--json").stdout) == []
    (row,) = json.loads(invoke(out, "select data, make_timestamp(0) as at from openings", "--json").stdout)
    assert row == {"data": "004d5a", "at": "1970-01-01T00:00:00"}
    (row,) = json.loads(invoke(out, "select inside, null as none from files", "--json").stdout)
    assert row == {"inside": ["x", "y"], "none": None}


def test_nothing_from_the_wire_moves_the_terminal(out: Path) -> None:
    assert "\x1b" not in invoke(out, "user-agents").stdout
    assert "\\x1b[31m" in invoke(out, "user-agents").stdout


def test_lists(out: Path) -> None:
    listed = invoke(out, "--list").stdout
    assert all(f"{name} " in listed for name in named())
    tables = invoke(out, "--tables").stdout
    assert all(f"\n{name}: " in f"\n{tables}" for name in TABLES)
    assert invoke(out, "talkers", "--sql").stdout.strip() == named()["talkers"].sql


def test_sql_from_stdin(out: Path) -> None:
    assert json.loads(invoke(out, "-", "--json", text="select 7 as n").stdout) == [{"n": 7}]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "nothing was asked"),
        (("talker",), "no query of this name"),
        (("host",), "needs an address"),
        (("select 1", "--csv", "--json"), "exclude each other"),
        (("copy packets to 'x.csv'",), "refused"),
    ],
)
def test_asked_wrongly(out: Path, args: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = invoke(out, *args)
    assert isinstance(done.exception, ReportError)
    assert done.exception.exit_code == 2
    print_error(done.exception)
    text = capsys.readouterr().err
    assert words in text
    assert "next:" in text


def test_no_such_folder(tmp_path: Path) -> None:
    done = invoke(tmp_path / "absent", "talkers")
    assert isinstance(done.exception, ReportError)
    assert "does not exist" in done.exception.what


def test_ctrl_c_ends_a_long_query_and_leaves_nothing(out: Path, tmp_path: Path) -> None:
    sql = "select sum(sin(a.range + b.range)) from range(1000000) a, range(1000000) b"
    command = [sys.executable, "-m", "tshark_report", "query", str(out), sql]
    env = dict(os.environ) | {"PYTHONPATH": str(TOP), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while not list(tmp_path.iterdir()) and running.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(1)
            assert running.poll() is None
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 130
    assert said.splitlines()[-1] == "tshark-report: stopped"
    assert list(tmp_path.iterdir()) == []
