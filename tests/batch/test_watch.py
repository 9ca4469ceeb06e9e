"""A capture is reported on when its writer has finished with it, and not before."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch.made import START, job, pcap, question
from tshark_report.batch import run, watch
from tshark_report.batch.records import Finished
from tshark_report.batch.run import Told, Wanted
from tshark_report.batch.watch import Watcher, being_written
from tshark_report.capture.tshark import Tshark


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that is set by hand."""
    return Clock()


@pytest.fixture
def watcher(tmp_path: Path, clock: Clock) -> Watcher:
    """Watches the test's folder."""
    return Watcher([str(tmp_path)], tmp_path / "out", settle=2.0, idle=60.0, clock=clock)


def _names(watcher: Watcher) -> list[str]:
    return [f.name for f in watcher.finished()]


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that does not tell who has a file open."""
    monkeypatch.setattr(watch, "being_written", lambda _path: None)


def test_who_has_a_file_open(tmp_path: Path) -> None:
    path = pcap(tmp_path / "a.pcap", question("a.example"))
    if being_written(str(path)) is None:
        pytest.skip("this file system has no leases")
    assert being_written(str(path)) is False
    with path.open("rb"):
        assert being_written(str(path)) is False, "a reader is no writer"
    with path.open("ab"):
        assert being_written(str(path)) is True
    assert being_written(str(path)) is False
    assert being_written(str(tmp_path / "gone")) is None


def test_an_open_file_is_never_finished_and_a_closed_one_soon(tmp_path: Path, watcher: Watcher, clock: Clock) -> None:
    path = pcap(tmp_path / "a.pcap", question("a.example"))
    if being_written(str(path)) is None:
        pytest.skip("this file system has no leases")
    with path.open("ab"):
        assert _names(watcher) == []
        clock.now = 500.0
        assert _names(watcher) == []
    assert _names(watcher) == ["a.pcap"]
    assert _names(watcher) == [], "once is enough"


@pytest.mark.usefixtures("untold")
def test_the_newest_of_a_ring_waits_and_those_before_it_do_not(tmp_path: Path, watcher: Watcher, clock: Clock) -> None:
    for i in range(3):
        path = pcap(tmp_path / f"r_{i:05}.pcap", question("a.example"), start=START + i)
        os.utime(path, (START + i, START + i))
    assert _names(watcher) == []
    clock.now = 1.9
    assert _names(watcher) == []
    clock.now = 2.0
    assert _names(watcher) == ["r_00000.pcap", "r_00001.pcap"]
    clock.now = 59.0
    assert _names(watcher) == []
    clock.now = 60.0
    assert _names(watcher) == ["r_00002.pcap"]


@pytest.mark.usefixtures("untold")
def test_a_file_that_grows_starts_anew(tmp_path: Path, watcher: Watcher, clock: Clock) -> None:
    frames = [question(f"n{i}.example") for i in range(3)]
    path = pcap(tmp_path / "a.pcap", frames[0])
    assert _names(watcher) == []
    clock.now = 59.0
    pcap(path, *frames)
    assert _names(watcher) == []
    clock.now = 100.0
    assert _names(watcher) == []
    clock.now = 119.0
    assert _names(watcher) == ["a.pcap"]
    path.unlink()
    assert _names(watcher) == []
    assert watcher._taken == watcher._seen == {}, "a ring buffer of years costs no memory"


def _until(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.05)


def test_rotating_files_are_reported_one_after_the_other(
    tmp_path: Path, tshark: Tshark, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer like dumpcap: a file is open while it is written, then the next one is."""
    folder = tmp_path / "in"
    folder.mkdir()
    told: list[Told] = []
    open_one = threading.Event()
    step = run.Batch.step

    def stepping(self: run.Batch, timeout: float) -> None:
        if open_one.is_set():
            raise KeyboardInterrupt
        step(self, timeout)

    monkeypatch.setattr(run.Batch, "step", stepping)

    def write() -> None:
        frames = [question(f"n{i}.example", number=i) for i in range(3)]
        whole = pcap(tmp_path / "model.pcap", *frames).read_bytes()
        for i in range(2):
            with (folder / f"ring_{i:05}.pcap").open("wb") as file:
                file.write(whole[:40])
                file.flush()
                time.sleep(0.8)
                file.write(whole[40:] if i == 0 else whole[40:-3])
        with (folder / "ring_00002.pcap").open("wb") as file:
            file.write(whole)
            file.flush()
            _until(lambda: sum(isinstance(t, Finished) for t in told) == 2)
            open_one.set()

    writer = threading.Thread(target=write)
    writer.start()
    wanted = Wanted(
        (str(folder),), str(tmp_path / "out"), job(tshark.version, formats=("json",)), jobs=1, index_pdf=False
    )
    result = watch.watch(wanted, told.append, settle=0.3, idle=600.0, every=0.1)
    writer.join()
    assert result.stopped
    assert [t.work.name for t in told if isinstance(t, Finished)] == ["ring_00000.pcap", "ring_00001.pcap"]
    rows = json.loads((tmp_path / "out" / "index.json").read_text())["captures"]
    packets = {Path(r["path"]).name: (r["packets"], r["truncated"]) for r in rows}
    assert packets["ring_00000.pcap"] == (3, False), "it was not read before it was whole"
    assert packets["ring_00001.pcap"][1] is True
