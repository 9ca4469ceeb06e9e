"""What a batch shows while it runs: a live picture on a terminal, a line a capture elsewhere, or JSON lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tshark_report.cli.terminal import plain

if TYPE_CHECKING:
    from tshark_report.batch.run import Told

RUNNING_SHOWN = 16
"""Captures in work that are listed on a terminal."""


class Tally:
    """Where a batch stands: counts, what runs, and how long the rest will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.started = clock()
        self.captures = self.reported = self.kept = self.failed = 0
        self._cost = self._done = 0.0
        self.running: dict[str, tuple[float, str, float, float]] = {}
        """First file -> start, stage, share, cost."""

    def hear(self, told: Told) -> None:
        """Take in what happened."""
        from tshark_report.batch import machine, records
        from tshark_report.batch.plan import Kept
        from tshark_report.batch.run import Ahead

        if isinstance(told, Ahead):
            self.captures += told.captures
            self._cost += told.cost
        elif isinstance(told, Kept):
            self.kept += 1
            self._cost -= machine.cost(told.bytes)  # it was never work: it says nothing about the speed
        elif isinstance(told, records.Failure):
            self.failed += 1
        elif isinstance(told, records.Started):
            self.running[told.work.files[0]] = (self._clock(), "starting", 0.0, machine.cost(told.work.bytes))
        elif isinstance(told, records.Stage):
            before = self.running.get(told.work.files[0])
            if before is not None:
                self.running[told.work.files[0]] = (before[0], told.what, told.share, before[3])
        else:
            self.running.pop(told.work.files[0], None)
            self._done += machine.cost(told.work.bytes)
            if told.outcome.failure is not None:
                self.failed += 1
            elif told.outcome.kept:
                self.kept += 1
            else:
                self.reported += 1

    @property
    def left(self) -> int:
        """Captures that are not done with."""
        return max(0, self.captures - self.reported - self.kept - self.failed)

    def seconds_left(self) -> float | None:
        """Seconds that the rest will take at the speed so far; None while nothing is known about it."""
        part = self._done + sum(share * cost for _, _, share, cost in self.running.values())
        spent = self._clock() - self.started
        if part <= 0 or spent < 1:
            return None
        return max(0.0, self._cost - part) * spent / part

    def sentence(self) -> str:
        """`12 done, 1 failed, 30 left (2 running), about 2 min 40 s to go`."""
        from tshark_report.report.formats import duration

        rest = self.seconds_left()
        parts = [f"{self.reported:,} done"]
        parts += [f"{self.kept:,} done before"] if self.kept else []
        parts += [f"{self.failed:,} failed", f"{self.left:,} left ({len(self.running)} running)"]
        if self.left and rest is not None:
            whole = max(1, round(rest))
            parts.append(f"about {f'{whole} s' if whole < 100 else duration(whole)} to go")
        return ", ".join(parts)


@contextmanager
def shown(*, json_lines: bool, quiet: bool, live: bool = True) -> Iterator[Callable[[Told], None]]:
    """A listener that shows on stderr what happens."""
    if json_lines:
        yield _json_line
    elif quiet:
        yield lambda _told: None
    elif live and sys.stderr.isatty():
        with _live() as listen:
            yield listen
    else:
        yield _plain_lines()


def _plain_lines() -> Callable[[Told], None]:
    tally = Tally()

    def listen(told: Told) -> None:
        tally.hear(told)
        record = line(told)
        if record is None or record["status"] == "kept":
            return
        what = record.get("headline") or f"{record.get('reason', '')} {record.get('detail', '')}".strip()
        sys.stderr.write(
            plain(f"{record['status']} {record['capture']}: {what} [{tally.sentence()}]").replace("\n", " ") + "\n"
        )

    return listen


def _json_line(told: Told) -> None:
    record = line(told)
    if record is not None:
        import msgspec

        sys.stderr.write(msgspec.json.encode(record).decode() + "\n")
        sys.stderr.flush()


def line(told: Told) -> dict[str, Any] | None:
    """What is logged of a capture that is done with; None for everything else."""
    from tshark_report.batch import records
    from tshark_report.batch.discover import json_safe
    from tshark_report.batch.plan import Kept
    from tshark_report.story.words import iso_time

    base: dict[str, Any] = {"time": iso_time(time.time())}
    if isinstance(told, Kept):
        page = next(iter(told.summary.files), "")
        return base | _of_summary("kept", told.path, told.summary) | {"report": f"reports/{told.folder}/{page}"}
    if isinstance(told, records.Failure):
        return base | _of_failure(told)
    if not isinstance(told, records.Finished):
        return None
    base |= {"seconds": round(told.seconds, 3), "tries": told.tries}
    if told.outcome.failure is not None:
        return base | _of_failure(told.outcome.failure)
    if told.outcome.summary is None:
        return None
    made = _of_summary("kept" if told.outcome.kept else "reported", json_safe(told.work.files[0]), told.outcome.summary)
    page = next(iter(told.outcome.summary.files), "")
    return base | made | {"report": f"reports/{told.outcome.folder}/{page}"}


def _of_summary(status: str, path: str, summary: Any) -> dict[str, Any]:
    return {
        "status": status,
        "capture": path,
        "id": summary.id,
        "worst": summary.worst or "none",
        "findings": summary.findings,
        "layer": summary.layer,
        "headline": summary.headline,
        "packets": summary.packets,
        "bytes": summary.file_bytes,
    }


def _of_failure(failure: Any) -> dict[str, Any]:
    return {
        "status": "failed", "capture": failure.path, "id": failure.id, "reason": failure.what, "detail": failure.detail,
        "bytes": failure.file_bytes,
    }  # fmt: skip


@contextmanager
def _live() -> Iterator[Callable[[Told], None]]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    tally = Tally()

    def picture() -> Group:
        rows: list[Any] = []
        now = time.monotonic()
        for name, (since, what, share, _) in sorted(tally.running.items(), key=lambda i: i[1][0])[:RUNNING_SHOWN]:
            rows.append(
                Text(
                    plain(f"  {name}: {what}, {share:.0%}, {now - since:.0f} s").replace("\n", " "),
                    overflow="ellipsis",
                    no_wrap=True,
                )
            )
        done = tally.captures - tally.left
        rows.append(ProgressBar(total=max(1, tally.captures), completed=done, width=40))
        rows.append(Text(tally.sentence()))
        return Group(*rows)

    console = Console(stderr=True)
    with Live(console=console, get_renderable=picture, refresh_per_second=4, transient=True) as live:

        def listen(told: Told) -> None:
            tally.hear(told)
            record = line(told)
            if record is not None and record["status"] == "failed":
                live.console.print(
                    Text(
                        plain(f"failed {record['capture']}: {record['reason']}: {record['detail']}").replace("\n", " ")
                    )
                )

        yield listen
    console.print(Text(tally.sentence()))
