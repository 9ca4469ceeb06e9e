"""A batch from start to end, and again, and killed in between."""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch.made import START, job, pcap, question, several
from tests.conftest import TOP
from tshark_report.batch import run
from tshark_report.batch.plan import Kept
from tshark_report.batch.records import Failure, Finished
from tshark_report.batch.run import Ahead, Told, Wanted
from tshark_report.capture.tshark import Tshark

Do = Callable[..., tuple[run.Result, list[Told]]]


@pytest.fixture
def do(tmp_path: Path, tshark: Tshark) -> Do:
    """A batch over `in` of the test's folder."""

    def made(**more: object) -> tuple[run.Result, list[Told]]:
        told: list[Told] = []
        base: dict[str, object] = {
            "roots": (str(tmp_path / "in"),), "out": str(tmp_path / "out"), "job": job(tshark.version, formats=("json",)),
            "jobs": 2, "index_pdf": False,
        }  # fmt: skip
        result = run.run(Wanted(**(base | more)), told.append)  # type: ignore[arg-type]
        return result, told

    return made


def _index(tmp_path: Path) -> dict[str, object]:
    made: dict[str, object] = json.loads((tmp_path / "out" / "index.json").read_text())
    return made


def test_only_what_is_new_or_failed_is_done_again(tmp_path: Path, do: Do) -> None:
    several(tmp_path / "in", 3)
    shutil.copy(tmp_path / "in" / "c00.pcap", tmp_path / "in" / "copy.bin")
    (tmp_path / "in" / "later.pcap").write_text("not yet a capture")
    result, told = do()
    assert (result.reported, result.failed, result.same, result.left) == (3, 1, 1, 0)
    assert sum(a.captures for a in told if isinstance(a, Ahead)) == 4
    made = _index(tmp_path)
    assert [f["what"] for f in made["failures"]] == ["this is not a capture file"]  # type: ignore[attr-defined]
    rows = {Path(r["path"]).name: r for r in made["captures"]}  # type: ignore[attr-defined]
    assert [Path(p).name for p in rows["c00.pcap"]["same"]] == ["copy.bin"]
    shared = {a["value"]: a["captures"] for a in made["across"] if a["kind"] == "name"}  # type: ignore[attr-defined]
    assert shared == {"shared.example": 3}

    pcap(tmp_path / "in" / "later.pcap", question("late.example"))
    pcap(tmp_path / "in" / "new.pcap", question("new.example"))
    (tmp_path / "in" / "c01.pcap").rename(tmp_path / "in" / "renamed")
    result, told = do()
    assert (result.reported, result.kept, result.failed) == (2, 3, 0)
    assert {e.work.name for e in told if isinstance(e, Finished)} == {"later.pcap", "new.pcap"}
    assert sum(isinstance(e, Kept) for e in told) == 3
    assert _index(tmp_path)["failures"] == []

    result, _ = do(job=job("4.0.17", formats=("json", "html")))
    assert (result.reported, result.kept) == (5, 0), "other options are other work"


def test_a_file_that_has_grown_replaces_its_own_beginning(tmp_path: Path, do: Do) -> None:
    frames = [question(f"n{i}.example") for i in range(3)]
    path = pcap(tmp_path / "in" / "a.pcap", *frames[:2])
    do()
    pcap(path, *frames)
    do()
    assert [r["packets"] for r in _index(tmp_path)["captures"]] == [3]  # type: ignore[attr-defined]
    pcap(path, question("another.example"))
    do()
    kept = sorted(r["packets"] for r in _index(tmp_path)["captures"])  # type: ignore[attr-defined]
    assert kept == [1, 3], "other content under an old name replaces nothing"


def test_ctrl_c_leaves_a_usable_output(tmp_path: Path, do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    several(tmp_path / "in", 3)
    step = run.Batch.step

    def stopped(self: run.Batch, timeout: float) -> None:
        step(self, timeout)
        if self.result.reported:
            raise KeyboardInterrupt

    monkeypatch.setattr(run.Batch, "step", stopped)
    result, _ = do(jobs=1)
    assert result.stopped
    assert result.left == 3 - result.reported > 0
    made = _index(tmp_path)
    assert made["totals"]["left"] == result.left  # type: ignore[index]
    assert len(made["captures"]) == result.reported  # type: ignore[arg-type]
    assert not (tmp_path / "out" / ".work").exists()
    monkeypatch.undo()
    result, _ = do(jobs=1)
    assert result.left == 0
    assert len(_index(tmp_path)["captures"]) == 3  # type: ignore[arg-type]


def test_a_ring_buffer_is_one_row(tmp_path: Path, do: Do) -> None:
    for i in range(3):
        pcap(tmp_path / "in" / f"r{i}.pcap", question("a.example", number=i), start=START + i)
    result, _ = do(join_gap=60.0)
    assert result.reported == 1
    [row] = _index(tmp_path)["captures"]  # type: ignore[misc]
    assert (row["joined"], row["packets"]) == (3, 3)
    result, _ = do(join_gap=60.0)
    assert (result.reported, result.kept) == (0, 1)


def test_no_capture_at_all(tmp_path: Path, do: Do) -> None:
    (tmp_path / "in").mkdir()
    result, told = do()
    assert (result.reported, result.failed) == (0, 0)
    assert not [e for e in told if isinstance(e, Failure | Finished)]
    assert (tmp_path / "out" / "index.html").exists()


def test_the_parent_loads_no_tables_and_no_rules() -> None:
    """It only waits for its workers: that is a quarter of a second, and memory."""
    program = (
        "import sys, tshark_report.batch.run, tshark_report.batch.local, tshark_report.cli.batch;"
        "print([m for m in ('polars', 'numpy', 'weasyprint', 'tshark_report.rules') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=TOP, check=True)
    assert done.stdout.strip() == "[]"


def _same(left: Path, right: Path) -> list[str]:
    """What differs between two folders, by content and not by date."""
    compared = filecmp.dircmp(left, right, ignore=[], hide=[])
    differs = compared.left_only + compared.right_only
    differs += filecmp.cmpfiles(left, right, compared.common_files, shallow=False)[1]
    for name in compared.common_dirs:
        differs += _same(left / name, right / name)
    return differs


def test_killed_at_random_and_resumed_it_is_the_output_of_an_unbroken_run(tmp_path: Path, tshark: Tshark) -> None:
    several(tmp_path / "in", 4)
    (tmp_path / "in" / "bad.pcap").write_text("no capture")
    env = os.environ | {"PYTHONPATH": str(TOP), "SOURCE_DATE_EPOCH": "1767225600"}

    def start(out: str) -> subprocess.Popen[bytes]:
        args = [sys.executable, "-P", "-m", "tshark_report", "batch", str(tmp_path / "in"), "-o", str(tmp_path / out)]
        return subprocess.Popen(
            [*args, "-q", "--jobs", "2", "--no-index-pdf", "--formats", "html,json"], env=env, stdout=subprocess.DEVNULL
        )

    assert start("whole").wait(120) == 0
    reports = tmp_path / "broken" / "reports"
    chance = random.Random(os.getpid())
    for wanted in (1, 2):
        batch = start("broken")
        until = time.monotonic() + 60
        while time.monotonic() < until and batch.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                if len(list(reports.iterdir())) >= wanted:
                    break
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.5))
        batch.send_signal(signal.SIGKILL)
        batch.wait()
    done = len(list(reports.iterdir()))
    assert done >= 2
    assert start("broken").wait(120) == 0
    assert _same(tmp_path / "whole", tmp_path / "broken") == []
