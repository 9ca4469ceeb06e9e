"""Memory: the batch itself keeps little of each capture, and a worker stays within what it is taken to need."""

from __future__ import annotations

import pathlib
import time
import tracemalloc
from collections import deque
from pathlib import Path

import msgspec
import pytest

from tests.batch.made import job, pcap, point, question, several, summary
from tests.batch.test_slot import _work
from tshark_report.batch import machine, place, run
from tshark_report.batch.records import Event, Finished, Outcome, Paths, Started, Work
from tshark_report.batch.run import Wanted
from tshark_report.batch.slot import Slot
from tshark_report.capture.tshark import Tshark

KEPT_BYTES = 12_000
"""What the batch may keep of each capture when it writes the index: a row of it, as data and as text."""
WHILE_BYTES = 1_000
"""And while captures are read: an id, a path, and the folder of the report."""


class Quick:
    """Workers that put an empty report in place at once."""

    def __init__(self, wanted: Wanted) -> None:
        self._output = place.of(wanted.out)
        self._waiting: deque[Work] = deque()

    def add(self, work: Work) -> None:
        self._waiting.append(work)

    @property
    def left(self) -> int:
        return len(self._waiting)

    def step(self, _timeout: float) -> list[Event]:
        told: list[Event] = []
        for _ in range(min(20, len(self._waiting))):
            work = self._waiting.popleft()
            lead = point("10.0.0.5", f"asked for {work.name}")
            made = summary(work.id, sha256=work.sha256, points=[lead], findings={"high": 1})
            folder = f"{place.REPORTS}/{work.folder}"
            self._output.write(f"{folder}/{place.SUMMARY}", msgspec.json.encode(made))
            self._output.write(f"{folder}/{place.PATHS}", msgspec.json.encode(Paths(at=dict.fromkeys(work.files, ""))))
            told += [Started(work), Finished(work, Outcome(summary=made, folder=work.folder), 1, 0.0)]
        return told

    def close(self) -> None:
        self._waiting.clear()


def _most(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Bytes that a batch of so many captures holds when all are read, and the most that it ever had."""
    several(folder / "in", count)
    wanted = Wanted((str(folder / "in"),), str(folder / "out"), job(), jobs=1, index_pdf=False)
    monkeypatch.setattr(run, "workers", Quick)
    while_read = 0
    written = run.Batch.write_index

    def write_index(self: run.Batch, passed_over: int, *, pdf: bool = True) -> None:
        nonlocal while_read
        # pathlib interns each part of a path: now and then the table of all interned words doubles.
        taken = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, pathlib.__file__)])
        while_read = sum(each.size for each in taken.statistics("filename"))
        written(self, passed_over, pdf=pdf)

    monkeypatch.setattr(run.Batch, "write_index", write_index)
    tracemalloc.start()
    try:
        result = run.run(wanted, lambda _told: None)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        monkeypatch.undo()
    assert (result.reported, result.left) == (count, 0)
    return while_read, most


def test_the_batch_keeps_little_of_each_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _most(tmp_path / "warm", 5, monkeypatch)
    few, many = 100, 500
    few_read, few_all = _most(tmp_path / "few", few, monkeypatch)
    many_read, many_all = _most(tmp_path / "many", many, monkeypatch)
    assert (many_read - few_read) / (many - few) < WHILE_BYTES
    assert (many_all - few_all) / (many - few) < KEPT_BYTES


def test_a_small_capture_stays_below_what_it_is_taken_to_need(tmp_path: Path, tshark: Tshark) -> None:
    work = _work(pcap(tmp_path / "a.pcap", *(question(f"n{i}.example", number=i) for i in range(50))))
    slot, most, said = Slot(), 0, None
    try:
        slot.give(work, job(tshark.version), str(tmp_path / "out"))
        until = time.monotonic() + 60
        while not isinstance(said, Outcome) and time.monotonic() < until:
            if slot.pipe.poll(0.02):
                said = slot.take()
            most = max(most, slot.memory())
    finally:
        slot.close()
    assert isinstance(said, Outcome)
    assert said.failure is None, said.failure
    assert 100_000_000 < most < machine.need(work.name, work.bytes)
