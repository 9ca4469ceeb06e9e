"""A worker process that can be killed, dies with its capture, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.made import job, pcap, question
from tests.conftest import TOP
from tshark_report.batch import key
from tshark_report.batch.records import Outcome, Work
from tshark_report.batch.slot import Died, Slot, _resident
from tshark_report.capture.tshark import Tshark


@pytest.fixture
def slot() -> Iterator[Slot]:
    """A worker."""
    made = Slot()
    yield made
    made.kill()


def _work(path: Path) -> Work:
    digest = key.content(path)
    identity = key.short(digest)
    return Work(identity, digest, (str(path),), path.name, path.stat().st_size, folder=key.folder(str(path), identity))


def _last(slot: Slot) -> Outcome:
    while not isinstance(said := slot.take(), Outcome):
        assert 0 <= said[1] <= 1
    return said


def test_a_capture_is_done_a_death_is_told_and_another_process_goes_on(
    slot: Slot, tshark: Tshark, tmp_path: Path
) -> None:
    wanted = job(tshark.version)
    work = _work(pcap(tmp_path / "a.pcap", question("a.example")))
    slot.give(work, wanted, str(tmp_path / "out"))
    done = _last(slot)
    assert done.failure is None, done.failure
    assert done.summary is not None
    assert done.summary.packets == 1
    process = slot._process
    assert process is not None
    assert slot.memory() > 50_000_000
    slot.give(work, wanted, str(tmp_path / "out"))
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(Died, match="killed.*signal 9"):
        _last(slot)
    slot.give(work, wanted, str(tmp_path / "out"))
    assert _last(slot).failure is None
    assert slot._process is not None
    assert slot._process.pid != process.pid


def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from tshark_report.batch.slot import Slot; s = Slot(); s._start();"
        "print(s._process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TOP)},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 15
    while time.monotonic() < until and Path(f"/proc/{child}").exists():
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists()


def test_memory_of_a_process_and_what_it_started() -> None:
    child = subprocess.Popen([sys.executable, "-c", "x = bytearray(60_000_000); print(flush=True); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert child.stdout is not None
    child.stdout.readline()
    try:
        assert _resident(os.getpid()) > _resident(child.pid) > 60_000_000
    finally:
        child.communicate(b"\n")
    assert _resident(child.pid) == 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no processor affinity")
def test_a_worker_keeps_to_its_processors(tshark: Tshark, tmp_path: Path) -> None:
    one = min(os.sched_getaffinity(0))
    slot = Slot([one])
    try:
        slot.give(_work(pcap(tmp_path / "a.pcap", question("a.example"))), job(tshark.version), str(tmp_path / "out"))
        assert _last(slot).failure is None
        assert slot._process is not None
        for thread in Path(f"/proc/{slot._process.pid}/task").iterdir():
            assert os.sched_getaffinity(int(thread.name)) == {one}
    finally:
        slot.close()
    assert one in os.sched_getaffinity(0), "we ourselves are not bound"
