"""The batch and watch commands as their users meet them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.made import pcap, question
from tests.cli.test_report import run
from tests.conftest import FIXTURES, fixture_capture
from tshark_report.batch.records import Finished, Outcome, Started, Work
from tshark_report.batch.run import Ahead
from tshark_report.cli.batch_progress import Tally

pytestmark = pytest.mark.tshark


def test_a_folder_of_captures(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "scan").symlink_to(fixture_capture("port_scan"))
    pcap(folder / "quiet.pcap", question("a.example"))
    (folder / "text.pcap").write_text("no capture")
    done = run("batch", folder, "-o", "out", "--json", "--log-json", "--fail-on", "high", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["reported"], summary["failed"], summary["fail_on_met"], summary["left"]) == (2, 1, True, 0)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert sorted(line["status"] for line in lines) == ["failed", "reported", "reported"]
    for line in lines:
        assert line["status"] == "failed" or (tmp_path / "out" / line["report"]).is_file()
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {
        "index.html", "index.json", "index.csv", "index.pdf", "across.html", "across.csv", "reports", "failures", "tables"
    }  # fmt: skip
    assert (tmp_path / "out" / "index.pdf").read_bytes()[:5] == b"%PDF-"

    done = run("batch", folder, "-o", "out", "--fail-on", "high", "--quiet", cwd=tmp_path)
    assert done.returncode == 1, "what was found before counts, too"
    assert done.stdout.strip() == "out/index.html"
    assert done.stderr == ""


def test_mistakes_are_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for args, code, what in (
        (("missing", "-o", "out"), 2, "there is no such folder"),
        (("empty", "-o", "out", "--formats", "html,docx"), 2, "--formats names something unknown"),
        (("empty", "-o", "out", "--memory", "much"), 2, "this is not a size"),
        (("empty", "-o", "out", "--from", "09:14"), 2, "a time of day needs a capture"),
        (("empty", "-o", "out", "--tshark", "/no/tshark"), 3, "tshark was not found"),
        (("empty", "-o", "out", "--keylog", "none.log"), 2, "the file of --keylog cannot be read"),
        (("empty", "-o", "out", "--ioc", "none.csv"), 2, "the file of --ioc cannot be read"),
        (("empty", "-o", "out"), 4, "there is no capture below these folders"),
    ):
        done = run("batch", *args, cwd=tmp_path)
        assert done.returncode == code, (args, done.stderr)
        assert what in done.stderr
        assert "Traceback" not in done.stderr


def test_every_capture_failed(tmp_path: Path) -> None:
    (tmp_path / "text.pcap").write_text("no capture")
    done = run("batch", "text.pcap", "-o", "out", "--quiet", "--no-index-pdf", cwd=tmp_path)
    assert done.returncode == 4
    assert "no capture could be reported on" in done.stderr


def test_watch_until_it_is_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    args = ["watch", str(folder), "-o", "out", "--log-json", "--settle", "0.2", "--every", "0.2", "--idle", "0.5"]
    env = os.environ | {"PYTHONPATH": str(FIXTURES.parent)}
    with subprocess.Popen(
        [sys.executable, "-m", "tshark_report", *args, "--no-index-pdf", "--no-tables"], cwd=tmp_path, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as watching:  # fmt: skip
        assert watching.stderr is not None
        pcap(folder / "a.pcap", question("a.example"))
        line = json.loads(watching.stderr.readline())
        assert (line["status"], Path(line["capture"]).name) == ("reported", "a.pcap")
        until = time.monotonic() + 30
        while not (tmp_path / "out" / "index.html").exists() and time.monotonic() < until:
            time.sleep(0.05)
        watching.send_signal(signal.SIGTERM)
        watching.send_signal(signal.SIGINT)
        out, errors = watching.communicate(timeout=30)
    assert watching.returncode == 0, errors
    assert out.strip() == "1 reported, 0 failed; out/index.html"


def test_watch_says_that_the_folder_is_missing(tmp_path: Path) -> None:
    done = run("watch", "missing", "-o", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no such folder" in done.stderr


def test_progress_in_words() -> None:
    now = [0.0]
    tally = Tally(lambda: now[0])
    works = [Work(str(i), str(i), (f"{i}.pcap",), f"{i}.pcap", 5_000_000) for i in range(4)]
    tally.hear(Ahead(4, sum(1.7 for _ in works)))
    for work in works[:2]:
        tally.hear(Started(work))
    assert tally.sentence() == "0 done, 0 failed, 4 left (2 running)"
    now[0] = 10.0
    tally.hear(Finished(works[0], Outcome(), 1, 10.0))
    assert tally.sentence() == "1 done, 0 failed, 3 left (1 running), about 30 s to go"
