"""A folder into which somebody writes captures: each is reported on when its writer has finished with it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tshark_report.batch import discover, place
from tshark_report.batch.discover import Found
from tshark_report.batch.join import shape
from tshark_report.batch.run import Batch, Listen, Result, Wanted
from tshark_report.errors import UsageError

INDEX_SHARE = 10.0
"""The index is written again after this many times the seconds that writing it took, so that it never takes over."""
INDEX_LEAST = 2.0
"""Seconds between two indexes, at least."""


@dataclass(frozen=True)
class Stamp:
    """What changes when a file is written to."""

    inode: int
    bytes: int
    modified: int


@dataclass
class Watcher:
    """Knows which files of some folders are finished.

    A file is finished when it has not changed for `settle` seconds and nobody has it open for writing. Where the
    system cannot tell who has it open (network file systems, other systems than Linux, files of other users), it is
    finished when a newer file of the same ring buffer is there, or when it has not changed for `idle` seconds.
    """

    roots: Sequence[str]
    skip: Path | None
    settle: float
    idle: float
    clock: Callable[[], float] = time.monotonic
    passed_over: int = 0
    _seen: dict[str, tuple[Stamp, float]] = field(default_factory=dict)
    _taken: dict[str, Stamp] = field(default_factory=dict)

    def finished(self) -> list[Found]:
        """Files that are finished and were not given before, in the order of their last change."""
        looked = discover.look(self.roots, skip=self.skip)
        self.passed_over = looked.passed_over
        now = self.clock()
        stamps: dict[str, Stamp] = {}
        for each in looked.found:
            try:
                status = Path(each.path).stat()
            except OSError:
                continue  # rotated away since
            stamps[each.path] = Stamp(status.st_ino, status.st_size, status.st_mtime_ns)
        newest: dict[str, int] = {}
        for path, stamp in stamps.items():
            newest[shape(path)] = max(newest.get(shape(path), 0), stamp.modified)
        ready = []
        for each in looked.found:
            if each.path not in stamps or self._taken.get(each.path) == stamps[each.path]:
                continue
            stamp = stamps[each.path]
            before = self._seen.get(each.path)
            if before is None or before[0] != stamp:
                self._seen[each.path] = (stamp, now)
                continue
            if self._done_with(each.path, now - before[1], followed=newest[shape(each.path)] > stamp.modified):
                self._taken[each.path] = stamp
                self._seen.pop(each.path)
                ready.append(each)
        for gone in self._taken.keys() - stamps.keys():
            del self._taken[gone]
        for gone in self._seen.keys() - stamps.keys():
            del self._seen[gone]
        return sorted(ready, key=lambda f: (stamps[f.path].modified, f.path))

    def _done_with(self, path: str, quiet: float, *, followed: bool) -> bool:
        if quiet < self.settle:
            return False
        writing = being_written(path)
        if writing is None:
            return followed or quiet >= self.idle
        return not writing


def being_written(path: str) -> bool | None:
    """Has anybody the file open for writing? None where the system does not tell.

    Linux grants a read lease only on a file that nobody has open for writing (fcntl(2), F_SETLEASE). It is given back
    at once; a writer who comes in between waits for that moment.
    """
    try:
        import fcntl

        handle = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):
        return None  # somebody else's file, or a file system without leases
    finally:
        os.close(handle)
    return False


def watch(wanted: Wanted, listen: Listen, *, settle: float, idle: float, every: float) -> Result:
    """Report on captures as they are finished, until Ctrl-C (KeyboardInterrupt).

    `every` is the number of seconds between two looks at the folders. The index is kept up; its PDF is made at the end.

    Raises:
        UsageError: a folder does not exist at the beginning, or another batch is at work in the output.
    """
    started = time.monotonic()
    output = place.of(wanted.out)
    skip = Path(wanted.out)
    watcher = Watcher(wanted.roots, skip, settle, idle)
    with output.alone():
        output.begin()
        discover.look(wanted.roots, skip=skip)
        batch = Batch(wanted, output, listen)
        try:
            _go(batch, watcher, every)
        except KeyboardInterrupt:
            batch.result.stopped = True
        finally:
            batch.close()
            batch.write_index(watcher.passed_over)
            output.end()
    batch.result.seconds = time.monotonic() - started
    return batch.result


def _go(batch: Batch, watcher: Watcher, every: float) -> None:
    looked = indexed = 0.0
    pause, shown = INDEX_LEAST, -1
    while True:
        now = time.monotonic()
        if now - looked >= every or not looked:
            looked = now
            try:
                batch.offer(watcher.finished())
            except UsageError:
                pass  # a folder that is gone may come back: disks are mounted late, tools make folders anew
        batch.step(min(every, 0.5))
        if not batch.busy:
            time.sleep(min(every, 0.2))
        done = batch.result.reported + batch.result.failed + batch.result.kept
        if done != shown and time.monotonic() - indexed >= pause:
            begun = time.monotonic()
            batch.write_index(watcher.passed_over, pdf=False)
            indexed, shown = time.monotonic(), done
            pause = max(INDEX_LEAST, INDEX_SHARE * (indexed - begun))
