"""The captures of a batch on a Dask cluster, with `dask scheduler` and `dask worker` as their users start them.

A Dask worker hands each capture to a process of its own (`slot`): one that dies with its capture is known by name and
costs the Dask worker nothing, and a worker of many threads uses as many processors. A Dask worker that is lost is
Dask's to deal with: its captures are given to others.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tshark_report import __version__
from tshark_report.batch import remote
from tshark_report.batch.discover import json_safe
from tshark_report.batch.key import of_path
from tshark_report.batch.local import PATIENCE
from tshark_report.batch.records import Event, Failure, Finished, Job, Outcome, Started, Work
from tshark_report.batch.slot import Died, Slot
from tshark_report.capture.deadlines import deadline
from tshark_report.errors import ReportError, TsharkFailed, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10.0
WORKERS_SECONDS = 30.0
"""How long a cluster without workers is waited for."""
AHEAD = 2
"""Captures that are submitted beyond the threads of the cluster, so that no worker waits for the next."""
POLL_SECONDS = 0.5

_OF_THREAD = threading.local()


def versions(tshark: str | None) -> tuple[str, str]:
    """On a worker: the versions of tshark-report and tshark there; what is wrong, in place of the second."""
    from tshark_report import scratch
    from tshark_report.capture import tshark as tshark_module

    try:
        with scratch.folder() as folder:
            return __version__, tshark_module.find(tshark, tshark_module.environment(folder)).version
    except ReportError as error:
        return __version__, error.what


def on_worker(work: Work, job: Job, out: str) -> Outcome:
    """On a worker: one capture, in this thread's own process."""
    slot: Slot | None = getattr(_OF_THREAD, "slot", None)
    if slot is None:
        slot = _OF_THREAD.slot = Slot()
    limit = PATIENCE * (job.timeout or deadline(work.bytes))
    slot.give(work, job, out)
    try:
        while True:
            if not slot.pipe.poll(POLL_SECONDS):
                _go_on(slot, limit)
                continue
            said = slot.take()
            if isinstance(said, Outcome):
                return said
    except Died as how:
        slot.kill()
        failure = _failure(work, "the worker's process died while it read this capture", str(how))
        return Outcome(failure=failure, again=True)
    except BaseException:
        slot.kill()
        raise


def _go_on(slot: Slot, limit: float) -> None:
    if time.monotonic() - slot.since > limit:
        raise Died(f"not done after {limit:.0f} s")
    if _called_off():
        raise Died("the batch was stopped")


def _called_off() -> bool:
    """Was the task that this thread works on cancelled?"""
    from distributed import get_worker

    try:
        worker = get_worker()
        task = worker.state.tasks.get(worker.get_current_task())
    except (ValueError, AttributeError, KeyError):
        return False
    return task is not None and task.state == "cancelled"


class Pool:
    """Workers of a cluster. `add` work, then `step` until nothing is left."""

    def __init__(self, job: Job, out: str, scheduler: str, *, tries: int = 3) -> None:
        self.job, self.tries = job, tries
        self.out = out if remote.is_url(out) else str(Path(out).absolute())
        self.client = _connected(scheduler)
        _fit(self.client, job)
        self._waiting: list[tuple[Work, int]] = []
        self._running: dict[Any, tuple[Work, int, float]] = {}
        self._done: queue.Queue[Future[Outcome]] = queue.Queue()

    def add(self, work: Work) -> None:
        """Line up a capture."""
        self._waiting.append((work, 0))

    @property
    def left(self) -> int:
        """Captures that are waiting or being read."""
        return len(self._waiting) + len(self._running)

    def step(self, timeout: float) -> list[Event]:
        """Submit what the cluster has hands for, wait at most `timeout` seconds, and say what happened.

        Raises:
            TsharkFailed: the cluster is gone.
        """
        if self.client.status not in ("running", "connecting"):
            raise TsharkFailed(
                "the cluster is gone",
                detail=f"scheduler {self.client.scheduler.address if self.client.scheduler else ''}",
                causes=("the scheduler was stopped", "the network failed"),
                next_step="start it again; the same command then goes on",
            )
        events: list[Event] = self._submit()
        try:
            future = self._done.get(timeout=timeout)
            events += self._ended(future)
            while True:
                events += self._ended(self._done.get_nowait())
        except queue.Empty:
            return events

    def _submit(self) -> list[Event]:
        events: list[Event] = []
        room = sum(self.client.nthreads().values()) + AHEAD - len(self._running) if self._waiting else 0
        for _ in range(min(room, len(self._waiting))):
            work, tries = self._waiting.pop(0)
            name = f"tshark-report-{work.id or of_path(work.files[0])}-{time.monotonic_ns()}"
            future = self.client.submit(on_worker, work, self.job, self.out, key=name, pure=False)
            self._running[future.key] = (work, tries + 1, time.monotonic())
            future.add_done_callback(self._done.put)
            events.append(Started(work))
        return events

    def _ended(self, future: Future[Outcome]) -> list[Event]:
        work, tries, since = self._running.pop(future.key)
        outcome = _outcome(future, work)
        future.release()
        if outcome.again and tries < self.tries:
            self._waiting.append((work, tries))
            return []
        return [Finished(work, outcome, tries, time.monotonic() - since)]

    def close(self) -> None:
        """Take back what is not done, and leave the cluster to its users."""
        with suppress(Exception):  # the cluster may be gone: then there is nothing to take back
            self.client.cancel(list(self._running), force=True)
        with suppress(Exception):
            self.client.close(timeout=5)


def _outcome(future: Future[Outcome], work: Work) -> Outcome:
    from distributed import KilledWorker

    if future.status == "finished":
        made: Outcome = future.result()
        return made
    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        # Dask has tried it on several workers itself (distributed.scheduler.allowed-failures).
        why = f"{error.args[0] if error.args else ''} and others that it was given to"
        return Outcome(failure=_failure(work, "every worker that read this capture was lost", json_safe(error) or why))
    what = f"{type(error).__name__}: {error}" if error is not None else f"the task was {future.status}"
    return Outcome(failure=_failure(work, "the cluster could not do this capture", what[:500]), again=True)


def _failure(work: Work, what: str, detail: str) -> Failure:
    return Failure(
        id=of_path(work.files[0]),
        path=json_safe(work.files[0]),
        file_bytes=work.bytes,
        what=what,
        detail=detail,
        causes=["this capture needs more memory or time than a worker has", "a mistake in tshark-report or tshark"],
        next_step=f"tshark-report report {json_safe(work.files[0])}",
        exit_code=3,
    )


def _connected(scheduler: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            "--scheduler needs the cluster extra",
            detail=str(error),
            causes=("tshark-report was installed without it",),
            next_step='pip install "tshark-report[cluster]"',
        ) from error
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            "the scheduler does not answer",
            detail=f"{scheduler}: {error}",
            causes=("it is not running", "host or port are misspelt", "a firewall is between"),
            next_step="dask scheduler   and on each machine   dask worker tcp://HOST:8786",
        ) from error
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError as error:
        client.close()
        raise UsageError(
            "the cluster has no worker",
            detail=f"{scheduler}: none in {WORKERS_SECONDS:.0f} s",
            next_step=f"on each machine: dask worker {scheduler}",
            causes=("no worker was started", "the workers know the scheduler by another name"),
        ) from error
    return client


def _fit(client: Client, job: Job) -> None:
    """Every worker must make the same report of the same capture: the same versions.

    Raises:
        UsageError: some worker has others, or none.
    """
    try:
        found: dict[str, tuple[str, str]] = client.run(versions, job.tshark)
    except Exception as error:
        client.close()
        raise UsageError(
            "tshark-report does not run on the workers",
            detail=f"{type(error).__name__}: {error}"[:300],
            causes=("it is not installed in the Python that the workers run",),
            next_step='on each machine: pip install "tshark-report[cluster]"',
        ) from error
    wanted = (job.tool_version, job.tshark_version)
    other = {address: have for address, have in found.items() if tuple(have) != wanted}
    if other:
        client.close()
        address, have = next(iter(other.items()))
        raise UsageError(
            f"{len(other)} of {len(found)} workers have other versions",
            detail=f"{address}: tshark-report {have[0]}, tshark {have[1]}; here {wanted[0]} and {wanted[1]}",
            causes=("the machines were not installed alike",),
            next_step="install the same versions on all machines: what names a report's work holds them",
        )
