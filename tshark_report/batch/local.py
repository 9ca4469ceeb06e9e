"""The captures of a batch on this machine: as many workers as there are processors, within a bound of memory."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import wait

from tshark_report.batch import machine
from tshark_report.batch.discover import json_safe
from tshark_report.batch.key import of_path
from tshark_report.batch.records import Event, Failure, Finished, Job, Outcome, Stage, Started, Work
from tshark_report.batch.slot import Died, Slot
from tshark_report.capture.deadlines import deadline

PATIENCE = 6.0
"""A capture may take this many times the deadline of one pass of tshark: there are two passes and our own work."""
LOOK_SECONDS = 1.0
"""How often memory and deadlines are looked at."""
AGAIN_SECONDS = 0.5
"""Pause before another try, times the number of tries."""


@dataclass
class _Waiting:
    work: Work
    tries: int = 0
    alone: bool = False
    """It has taken too much memory beside others, and is read when nothing else is."""


class Pool:
    """Workers on this machine. `add` work, then `step` until nothing is left."""

    def __init__(self, job: Job, out: str, *, jobs: int, memory: int, tries: int = 3) -> None:
        self.job, self.out, self.jobs, self.memory, self.tries = job, out, jobs, memory, tries
        processors = machine.some(jobs)
        self._idle = [Slot(processors) for _ in range(jobs)]
        self._busy: dict[Slot, _Waiting] = {}
        self._waiting: deque[_Waiting] = deque()
        self._looked = 0.0

    def add(self, work: Work) -> None:
        """Line up a capture."""
        self._waiting.append(_Waiting(work))

    @property
    def left(self) -> int:
        """Captures that are waiting or being read."""
        return len(self._waiting) + len(self._busy)

    def step(self, timeout: float) -> list[Event]:
        """Start what can be started, wait at most `timeout` seconds, and say what happened."""
        events: list[Event] = list(self._start())
        if not self._busy:
            if not events:
                time.sleep(timeout)
            return events
        pipes = {slot.pipe: slot for slot in self._busy}
        for pipe in wait(list(pipes), 0 if events else timeout):
            events += self._taken(pipes[pipe])  # type: ignore[index]
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            events += self._overdue()
            events += self._within_memory()
        return events

    def _start(self) -> list[Event]:
        events: list[Event] = []
        passed: list[_Waiting] = []
        while self._idle and self._waiting:
            each = self._waiting.popleft()
            if not self._fits(each):
                passed.append(each)
                if len(passed) > 50:
                    break  # the smaller ones come last: enough has been looked at for now
                continue
            slot = self._idle.pop()
            each.tries += 1
            self._busy[slot] = each
            slot.give(each.work, self.job, self.out)
            events.append(Started(each.work))
        self._waiting.extendleft(reversed(passed))
        return events

    def _fits(self, each: _Waiting) -> bool:
        if not self._busy:
            return True
        running = list(self._busy.values())
        if each.alone or any(r.alone for r in running):
            return False
        if sum(r.work.cores for r in running) + each.work.cores > self.jobs:
            return False
        return sum(_need(r.work) for r in running) + _need(each.work) <= self.memory

    def _taken(self, slot: Slot) -> list[Event]:
        each = self._busy[slot]
        try:
            said = slot.take()
        except Died as how:
            failure = _failure(each.work, "the worker died while it read this capture", str(how))
            return self._ended(slot, Outcome(failure=failure, again=True))
        if isinstance(said, Outcome):
            return self._ended(slot, said)
        return [Stage(each.work, *said)]

    def _ended(self, slot: Slot, outcome: Outcome) -> list[Event]:
        each = self._busy.pop(slot)
        seconds = time.monotonic() - slot.since
        slot.work = None
        self._idle.append(slot)
        if outcome.again and each.tries < self.tries:
            time.sleep(AGAIN_SECONDS * each.tries)
            self._waiting.append(each)
            return []
        return [Finished(each.work, outcome, each.tries, seconds)]

    def _overdue(self) -> list[Event]:
        events: list[Event] = []
        for slot, each in list(self._busy.items()):
            limit = PATIENCE * (self.job.timeout or deadline(each.work.bytes))
            if time.monotonic() - slot.since > limit:
                slot.kill()
                failure = _failure(each.work, "the capture took too long", f"not done after {limit:.0f} s")
                events += self._ended(slot, Outcome(failure=failure, again=True))
        return events

    def _within_memory(self) -> list[Event]:
        """Where the workers together use more than they may, the one that uses most stops and waits to be alone."""
        used = {slot: slot.memory() for slot in self._busy}
        if sum(used.values()) <= self.memory:
            return []
        slot = max(used, key=lambda s: used[s])
        each = self._busy[slot]
        slot.kill()
        if len(used) == 1:
            failure = Failure(
                id=of_path(each.work.files[0]),
                path=json_safe(each.work.files[0]),
                file_bytes=each.work.bytes,
                what="the capture needs more memory than it may have",
                detail=f"{used[slot]:,} bytes in use, --memory allows {self.memory:,}",
                causes=["it holds more packets than this machine can take at once"],
                next_step="a larger --memory, or --filter to read less of it",
                exit_code=3,
            )
            return self._ended(slot, Outcome(failure=failure))
        del self._busy[slot]
        each.alone = True
        each.tries -= 1
        self._waiting.append(each)
        self._idle.append(slot)
        return []

    def close(self) -> None:
        """Stop at once; what was being read is read again another time."""
        for slot in [*self._busy, *self._idle]:
            slot.kill()
        self._busy.clear()
        self._waiting.clear()


def _need(work: Work) -> int:
    return machine.need(work.files[0], work.bytes)


def _failure(work: Work, what: str, detail: str) -> Failure:
    return Failure(
        id=of_path(work.files[0]),
        path=json_safe(work.files[0]),
        file_bytes=work.bytes,
        what=what,
        detail=detail,
        causes=["this capture needs more memory or time than there is", "a mistake in tshark-report or tshark"],
        next_step=f"tshark-report report {json_safe(work.files[0])}",
        exit_code=3,
    )
