"""The pool: tries, memory, deadlines. Workers are stood in for where only the bookkeeping is asked about."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path

import pytest

from tests.batch.made import job, pcap, question, summary
from tests.batch.test_slot import _work
from tests.capture import standin
from tshark_report.batch import local, machine
from tshark_report.batch.records import Finished, Outcome, Started, Work
from tshark_report.batch.slot import Died
from tshark_report.capture.tshark import Tshark


class Stand:
    """A worker that does what the name of the capture says."""

    log: list[str] = []  # noqa: RUF012

    def __init__(self, _threads: int = 1) -> None:
        self.read, self.write = os.pipe()
        self.work: Work | None = None
        self.since = 0.0
        self.used = 0

    @property
    def pipe(self) -> int:
        return self.read

    def give(self, work: Work, _job: object, _out: str) -> None:
        self.work, self.since = work, time.monotonic()
        self.used = 900 if "hungry" in work.name else 100
        self.log.append(work.name)
        if "slow" not in work.name:
            os.write(self.write, b"x")

    def take(self) -> Outcome:
        os.read(self.read, 1)
        assert self.work is not None
        if "poison" in self.work.name:
            raise Died("killed (signal 9)")
        return Outcome(summary=summary(self.work.id))

    def memory(self) -> int:
        return self.used if self.work is not None else 0

    def kill(self) -> None:
        self.log.append(f"killed {self.work.name if self.work else ''}")
        self.work = None

    close = kill


@pytest.fixture
def stands(monkeypatch: pytest.MonkeyPatch) -> type[Stand]:
    """Workers stood in for."""
    monkeypatch.setattr(local, "Slot", Stand)
    monkeypatch.setattr(local, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(local, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(machine, "need", lambda _name, size: size)
    Stand.log = []
    return Stand


def _work_of(name: str, size: int = 1, cores: int = 1) -> Work:
    return Work(name, name, (name,), name, size, cores)


def _run(pool: local.Pool, *works: Work) -> dict[str, Finished]:
    for work in works:
        pool.add(work)
    done: dict[str, Finished] = {}
    for _ in range(500):
        for event in pool.step(0.01):
            if isinstance(event, Finished):
                done[event.work.name] = event
        if not pool.left:
            return done
    raise AssertionError(f"never done: {Stand.log}")


def test_a_poisoned_capture_is_given_up_after_its_tries_and_the_rest_is_done(stands: type[Stand]) -> None:
    pool = local.Pool(job(), "out", jobs=2, memory=1000, tries=3)
    done = _run(pool, _work_of("poison"), *(_work_of(f"good{i}") for i in range(5)))
    failure = done["poison"].outcome.failure
    assert failure is not None
    assert done["poison"].tries == 3
    assert "killed (signal 9)" in failure.detail
    assert sum(1 for d in done.values() if d.outcome.summary) == 5
    assert Stand.log.count("poison") == 3


def test_captures_that_do_not_fit_together_wait_for_each_other(stands: type[Stand]) -> None:
    pool = local.Pool(job(), "out", jobs=4, memory=100)
    for name, size in (("a", 60), ("b", 60), ("c", 30)):
        pool.add(_work_of(name, size))
    started = [e.work.name for e in pool.step(0.01) if isinstance(e, Started)]
    assert started == ["a", "c"]
    _run(pool)


def test_a_split_capture_takes_the_places_of_others(stands: type[Stand]) -> None:
    pool = local.Pool(job(), "out", jobs=2, memory=1000)
    for work in (_work_of("wide", cores=2), _work_of("other")):
        pool.add(work)
    assert [e.work.name for e in pool.step(0.01) if isinstance(e, Started)] == ["wide"]
    _run(pool)


def test_one_that_takes_too_much_memory_is_read_alone_and_then_given_up(stands: type[Stand]) -> None:
    pool = local.Pool(job(), "out", jobs=2, memory=950)
    pool.add(_work_of("slow"))
    pool.add(_work_of("slow hungry"))
    pool.step(0.01)
    pool.step(0.01)
    assert "killed slow hungry" in Stand.log
    assert pool.left == 2
    [slot] = pool._busy
    os.write(slot.write, b"x")  # type: ignore[attr-defined]
    done = []
    pool.memory = 800
    for _ in range(50):
        done += [e for e in pool.step(0.01) if isinstance(e, Finished)]
    failures = [d.outcome.failure.what for d in done if d.outcome.failure]
    assert failures == ["the capture needs more memory than it may have"]
    assert not pool.left


def test_a_capture_that_takes_too_long_is_ended(stands: type[Stand], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PATIENCE", 0.02)
    pool = local.Pool(job(timeout=1.0), "out", jobs=1, memory=1000, tries=2)
    done = _run(pool, _work_of("slow"))
    failure = done["slow"].outcome.failure
    assert failure is not None
    assert failure.what == "the capture took too long"
    assert done["slow"].tries == 2


def test_many_waiting_captures_cost_nothing_to_look_at(stands: type[Stand]) -> None:
    pool = local.Pool(job(), "out", jobs=1, memory=10**9)
    pool._waiting = deque(local._Waiting(_work_of(f"w{i}")) for i in range(10_000))
    begun = time.process_time()
    for _ in range(200):
        pool.step(0.0)
    assert pool.left <= 9_900
    assert time.process_time() - begun < 2.0, "each step looks at a few captures, not at all of them"
    pool.close()
    assert pool.left == 0


def test_a_capture_that_kills_real_workers(tshark: Tshark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tshark stands in for a fault that takes our own process down, as a lack of memory would."""
    monkeypatch.setenv("TSHARK_REPORT_FENCE", "off")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # unfenced stand-ins outlive the worker and write on
    body = (
        "if any('poison' in a for a in args): os.kill(os.getppid(), signal.SIGKILL); time.sleep(5)\n"
        f"os.execv({tshark.path!r}, [{tshark.path!r}, *args])"
    )
    stand_in = standin.make(tmp_path, body, version=tshark.full_version)
    pool = local.Pool(job(tshark.version, tshark=stand_in), str(tmp_path / "out"), jobs=1, memory=8 * 10**9, tries=2)
    poison = _work(pcap(tmp_path / "poison.pcap", question("bad.example")))
    good = _work(pcap(tmp_path / "good.pcap", question("good.example")))
    try:
        done = {}
        for work in (poison, good):
            pool.add(work)
        until = time.monotonic() + 60
        while pool.left and time.monotonic() < until:
            done |= {e.work.name: e for e in pool.step(0.2) if isinstance(e, Finished)}
    finally:
        pool.close()
    assert done["good.pcap"].outcome.summary is not None, done["good.pcap"].outcome.failure
    assert done["poison.pcap"].tries == 2
    failure = done["poison.pcap"].outcome.failure
    assert failure is not None
    assert "signal 9" in failure.detail
