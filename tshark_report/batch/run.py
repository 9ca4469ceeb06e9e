"""A batch from start to end: find, plan, let workers do it, write the index. It prints nothing; it tells `listen`."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import msgspec

from tshark_report.batch import discover, index, join, key, machine, pages, place, remote
from tshark_report.batch.across import Across
from tshark_report.batch.clock import now
from tshark_report.batch.discover import Found, json_safe
from tshark_report.batch.plan import Kept, Known, plan
from tshark_report.batch.records import Event, Failure, Finished, Job, Summary, Work
from tshark_report.errors import RenderFailed
from tshark_report.story.words import iso_time

STEP_SECONDS = 0.25
LINED_UP = 200
"""Captures that are planned ahead of the workers; the others are a path and a size each until it is their turn."""


@dataclass(frozen=True)
class Wanted:
    """What a user asked for."""

    roots: tuple[str, ...]
    out: str
    job: Job
    jobs: int = 0
    """Captures at once; 0: as many as there are processors."""
    memory: int = 0
    """Bytes that the workers may use together; 0: most of what is free."""
    tries: int = 3
    join_gap: float | None = None
    """Seconds between two files that are still one recording; None: each file stands alone."""
    join_bytes: int = join.MOST_BYTES
    scheduler: str = ""
    look: pages.Look = field(default_factory=pages.Look)
    index_pdf: bool = True


@dataclass(frozen=True)
class Ahead:
    """What there is to do was found: so many captures, and so many seconds of work by a rough measure."""

    captures: int
    cost: float


@dataclass
class Result:
    """How a batch ended."""

    reported: int = 0
    kept: int = 0
    failed: int = 0
    left: int = 0
    same: int = 0
    """Files whose content was met before in this batch."""
    worst: dict[str, int] = field(default_factory=dict)
    """Priority -> captures of this batch whose worst finding has it; `none` for those without."""
    stopped: bool = False
    seconds: float = 0.0
    trouble: RenderFailed | None = None
    """Why there is no PDF of the index; everything else is there."""


Told = Event | Kept | Failure | Ahead
Listen = Callable[[Told], None]


class Workers(Protocol):
    """Those who read captures: `local.Pool` or `cluster.Pool`."""

    def add(self, work: Work) -> None:
        """Line up a capture."""

    @property
    def left(self) -> int:
        """Captures that are waiting or being read."""

    def step(self, timeout: float) -> list[Event]:
        """Wait at most `timeout` seconds, and say what happened."""

    def close(self) -> None:
        """Stop at once."""


def workers(wanted: Wanted) -> Workers:
    """The workers that a batch asks for.

    Raises:
        UsageError: no cluster is there, or it is not fit.
    """
    if wanted.scheduler:
        from tshark_report.batch import cluster

        return cluster.Pool(wanted.job, wanted.out, wanted.scheduler, tries=wanted.tries)
    from tshark_report.batch import local

    return local.Pool(
        wanted.job,
        wanted.out,
        jobs=wanted.jobs or machine.cores(),
        memory=wanted.memory or machine.available(),
        tries=wanted.tries,
    )


def run(wanted: Wanted, listen: Listen) -> Result:
    """Do a batch, and write its index.

    On Ctrl-C (KeyboardInterrupt) the workers are stopped, the index of what is done is written, and `stopped` is set.

    Raises:
        UsageError: a folder does not exist, there is no cluster, or another batch is at work in the output.
        RenderFailed: the output cannot be written.
    """
    started = time.monotonic()
    output = place.of(wanted.out)
    skip = None if remote.is_url(wanted.out) else Path(wanted.out)
    with output.alone():
        output.begin()
        looked = discover.look(wanted.roots, skip=skip, but="" if skip else wanted.out)
        batch = Batch(wanted, output, listen)
        try:
            batch.go(looked)
        except KeyboardInterrupt:
            batch.result.stopped = True
        finally:
            # Also where the cluster is lost or the disk is full: what is done can be looked at.
            batch.write_index(looked.passed_over)
            output.end()
    batch.result.seconds = time.monotonic() - started
    return batch.result


class Batch:
    """One run over what was found; `watch` makes many of these with the same workers."""

    def __init__(self, wanted: Wanted, output: place.Place, listen: Listen) -> None:
        self.wanted, self.output, self.listen = wanted, output, listen
        self.result = Result()
        self.notes: list[str] = []
        self._known = Known.of(output, remote_too=any(remote.is_url(r) for r in wanted.roots))
        self._failed = set(output.listing(place.FAILURES))
        self._places: dict[str, dict[str, str]] = {}
        """Id -> where this batch met the content, and what remote storage says of it."""
        self._tags: dict[str, str] = {}
        self._ahead = 0
        self._hands: Workers | None = None

    @property
    def unfinished(self) -> int:
        """Captures that were found and neither reported nor failed."""
        done = self.result.reported + self.result.kept + self.result.failed + self.result.same
        return max(0, self._ahead - done)

    def go(self, looked: discover.Looked) -> None:
        """Read everything that was found and is not in the output yet."""
        found: Sequence[Found | join.Recording] = looked.found
        if self.wanted.join_gap is not None:
            found, self.notes = join.recordings(
                looked.found, gap=self.wanted.join_gap, most_bytes=self.wanted.join_bytes
            )
        self._expect(looked.found, len(found) + len(looked.failures), found)
        for failure in looked.failures:
            self._fail(failure)
        if not found:
            return
        planned = _Ahead(found, self.wanted, self._known)
        if self.wanted.index_pdf:
            threading.Thread(target=pages.prepare, daemon=True).start()
        try:
            while not planned.finished or self.busy:
                lined_up = self._hands.left if self._hands is not None else 0
                for each in planned.take(LINED_UP - lined_up):
                    self._take(each)
                self.step(STEP_SECONDS)
        finally:
            planned.stop()
            self.close()

    def offer(self, found: Sequence[Found]) -> None:
        """Line up captures one by one, as `watch` meets them; `step` then does them."""
        self._expect(found, len(found), found)
        for each in plan(found, self.wanted.job, self._known, 1):
            self._take(each)

    def _expect(self, files: Sequence[Found], captures: int, found: Sequence[Found | join.Recording]) -> None:
        self._tags |= {f.path: f.tag for f in files}
        self._ahead += captures
        self.listen(Ahead(captures, sum(machine.cost(f.bytes) for f in found)))

    def _take(self, each: Work | Kept | Failure) -> None:
        if isinstance(each, Failure):
            self._fail(each)
        elif isinstance(each, Kept):
            self._keep(each)
        elif not each.id or self._first_place(each.id, each.files, each.bytes):
            self._hands = self._hands or workers(self.wanted)
            self._hands.add(each)

    @property
    def busy(self) -> bool:
        """Is anything lined up or being read?"""
        return self._hands is not None and self._hands.left > 0

    def step(self, timeout: float) -> None:
        """Let the workers go on for at most `timeout` seconds."""
        if self._hands is None:
            time.sleep(timeout / 10)
            return
        for event in self._hands.step(timeout):
            self._hear(event)

    def close(self) -> None:
        """Stop the workers."""
        if self._hands is not None:
            self._hands.close()
            self._hands = None

    def _first_place(self, identity: str, files: Sequence[str], size: int) -> bool:
        """Note where a content was met; False where it was met before in this batch."""
        at = self._places.setdefault(identity, {})
        met = bool(at)
        at |= {json_safe(f): self._tags.get(f, "") for f in files}
        if met:
            self.result.same += 1
            self.listen(Ahead(-1, -machine.cost(size)))
        return not met

    def _keep(self, kept: Kept) -> None:
        if not self._first_place(kept.id, [kept.path], kept.bytes):
            return
        self.result.kept += 1
        self._count(kept.summary)
        self.listen(kept)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Finished):
            summary, failure = event.outcome.summary, event.outcome.failure
            if failure is not None:
                self._fail(msgspec.structs.replace(failure, tries=event.tries), told=event)
                return
            if summary is None:
                return
            if not event.work.id:
                # Only the worker has seen that another file has the same content: it was read, or found to be there.
                at = self._places.setdefault(summary.id, {})
                at |= {json_safe(f): self._tags.get(f, "") for f in event.work.files}
            if event.outcome.kept:
                self.result.kept += 1
            else:
                self.result.reported += 1
            self._known.folders[summary.id] = event.outcome.folder
            self._count(summary)
            self._clear(event.work.files)
        self.listen(event)

    def _count(self, summary: Summary) -> None:
        worst = summary.worst or "none"
        self.result.worst[worst] = self.result.worst.get(worst, 0) + 1

    def _fail(self, failure: Failure, told: Finished | None = None) -> None:
        self.result.failed += 1
        name = f"{failure.id}.json"
        self.output.write(f"{place.FAILURES}/{name}", msgspec.json.format(msgspec.json.encode(failure)) + b"\n")
        self._failed.add(name)
        self.listen(told if told is not None else failure)

    def _clear(self, files: Sequence[str]) -> None:
        """What has a report is no failure any more."""
        for name in {f"{key.of_path(f)}.json" for f in files} & self._failed:
            self.output.remove(f"{place.FAILURES}/{name}")
            self._failed.discard(name)

    def write_index(self, passed_over: int, *, pdf: bool = True) -> None:
        """Note where contents lie, drop reports of what has grown since, and write the index."""
        self.result.left = self.unfinished
        for identity, at in self._places.items():
            self._known.add_paths(identity, at)
        self._drop_outgrown()
        with Across() as across:
            made = index.gather(self.output, across, left=self.result.left, passed_over=passed_over, notes=self.notes)
            generated = iso_time(now().timestamp()) or ""
            pdf = pdf and self.wanted.index_pdf
            self.result.trouble = pages.write(made, self.output, generated, self.wanted.look, pdf=pdf)

    def _drop_outgrown(self) -> None:
        """A report about the beginning of a file that has been read whole since is replaced by that of the whole."""
        new = {p: i for i, at in self._places.items() if i in self._known.folders for p in at if not remote.is_url(p)}
        if not new:
            return
        for identity in sorted(set(self._known.folders) - set(self._places)):
            paths = self._known.paths(identity)
            for path in paths.keys() & new.keys():
                summary = self._known.summary(identity)
                if summary is None or summary.parts:
                    continue
                with suppress(OSError):
                    size = Path(path).stat().st_size
                    if summary.file_bytes < size and key.prefix(Path(path), summary.file_bytes) == summary.sha256:
                        self.output.remove(f"{place.REPORTS}/{self._known.folders.pop(identity)}")
                        self.output.remove(f"{place.TABLES}/capture={identity}")
                        break


class _Ahead:
    """The plan, made by a thread of its own: hashing the next captures costs the workers nothing."""

    def __init__(self, found: Sequence[Found | join.Recording], wanted: Wanted, known: Known) -> None:
        self._queue: queue.Queue[Work | Kept | Failure | BaseException | None] = queue.Queue(maxsize=LINED_UP)
        self._stop = threading.Event()
        self.finished = False
        jobs = wanted.jobs or machine.cores()
        items = plan(found, wanted.job, known, 1 if wanted.scheduler else jobs)
        self._thread = threading.Thread(target=self._fill, args=(items,), daemon=True)
        self._thread.start()

    def _fill(self, items: Iterator[Work | Kept | Failure]) -> None:
        last: BaseException | None = None
        try:
            for each in items:
                self._put(each)
                if self._stop.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - raised again where it is taken
            last = error
        self._put(last)

    def _put(self, each: Work | Kept | Failure | BaseException | None) -> None:
        while not self._stop.is_set():
            with suppress(queue.Full):
                self._queue.put(each, timeout=0.2)
                return

    def take(self, most: int) -> list[Work | Kept | Failure]:
        """What is planned by now, at most so many; waits for nothing."""
        made: list[Work | Kept | Failure] = []
        with suppress(queue.Empty):
            while len(made) < most:
                each = self._queue.get_nowait()
                if each is None:
                    self.finished = True
                elif isinstance(each, BaseException):
                    raise each
                else:
                    made.append(each)
        return made

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(timeout=5.0)


def checked_job(job: Job, tshark_version: str, tool_version: str) -> Job:
    """The job with what names it."""
    return key.keyed(replace(job, tshark_version=tshark_version, tool_version=tool_version))
