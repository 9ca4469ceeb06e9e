"""Run display filters: how many packets each selects, all of them in one tshark pass.

`-z io,stat,0,FILTER,FILTER,...` counts, a pair of columns for each filter in the order
given. The tables already say which frames a finding is about; that tshark counts as
many is the proof that the printed filter works. In a large capture tshark is given only
the packets that the filters can select, which their addresses tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import IO

import polars as pl

from tshark_report.capture import process, split
from tshark_report.capture.dissect import Options, write_into
from tshark_report.capture.framing import Frames
from tshark_report.capture.tshark import Tshark
from tshark_report.tables.anchors import candidates
from tshark_report.tables.tables import Tables

_ROW = re.compile(r"^\|[^|]*<>[^|]*\|((?:\s*\d+\s*\|)+)", re.MULTILINE)

SMALL_PACKETS = 30_000
"""Captures up to this size are simply read again: that takes less than a second."""
WORTH_CUTTING = 0.6
"""Share of a capture above which leaving packets out saves nothing."""
LARGEST_WHOLE = 400_000
"""Packets up to which a filter that may select anything is run on the whole capture."""


@dataclass(frozen=True)
class Counter:
    """What is needed to run filters on one capture."""

    tshark: Tshark
    path: Path
    options: Options
    env: dict[str, str]
    timeout: float


def checked(
    counter: Counter, wanted: Sequence[str], tables: Tables, frames: Frames | None
) -> tuple[dict[str, int], list[str]]:
    """Packets that each filter selects, and the command that was run.

    A filter that tshark refuses, or that would need a whole pass over a very large capture, is missing from the result:
    its finding is then marked as not checked.
    """
    unique = list(dict.fromkeys(f for f in wanted if f))
    total = tables.packets.height
    if not unique:
        return {}, []
    if total <= SMALL_PACKETS or frames is None or counter.options.display_filter or counter.options.keylog:
        return counts(counter, unique)
    anchored = {f: e for f in unique if (e := candidates(f)) is not None}
    rest = [f for f in unique if f not in anchored]
    made: dict[str, int] = {}
    command: list[str] = []
    if anchored:
        chosen = tables.packets.select(
            "frame",
            (reduce(or_, anchored.values()) | pl.col("transport").is_in(["icmp", "icmpv6"]))
            .fill_null(value=False)
            .alias("in"),
        )
        kept = chosen.filter("in")["frame"]
        if tables.layers.height:
            kept = pl.concat([kept, tables.layers["frame"]]).unique().sort()
        if len(kept) > WORTH_CUTTING * total:
            rest = unique if total <= LARGEST_WHOLE else rest
            anchored = {} if total <= LARGEST_WHOLE else anchored
        if anchored:
            shard = split.Shard(kept.to_numpy().astype("int64") - 1)
            found, command = counts(counter, list(anchored), split.feeder(counter.path, frames, shard))
            made |= found
    if rest and total <= LARGEST_WHOLE:
        found, command = counts(counter, rest)
        made |= found
    return made, command


def counts(
    counter: Counter, unique: list[str], feed: Callable[[IO[bytes]], None] | None = None
) -> tuple[dict[str, int], list[str]]:
    """Packets that each filter selects, by one pass over the capture or over what `feed` writes; and the command."""
    tshark, options = counter.tshark, counter.options
    columns = [f"({options.display_filter}) && ({each})" if options.display_filter else each for each in unique]
    args = [tshark.path, "-n", "-r", "-" if feed else str(counter.path), *options.arguments(), "-q"]
    args += ["-z", "io,stat,0," + ",".join(columns)]
    shown = [
        str(counter.path) if arg == "-" and place and args[place - 1] == "-r" else arg for place, arg in enumerate(args)
    ]
    done = _run(args, counter, feed)
    rows = _ROW.findall(done.stdout.decode("utf-8", "replace"))
    numbers = [int(part) for row in rows for part in row.split("|") if part.strip()]
    # Frames and bytes of each filter; one interval, so one row.
    if len(rows) == 1 and len(numbers) == 2 * len(unique):
        return dict(zip(unique, numbers[::2], strict=True)), shown
    if done.code == 0 and not rows and feed is None:
        # A capture that lasts no time at all has no interval to print: each filter is run on its own.
        return {f: n for f in unique[:20] if (n := _selected(counter, f)) is not None}, shown
    if len(unique) == 1 or done.timed_out:
        return {}, shown
    # One filter that tshark refuses ends the whole run: halve until it stands alone.
    middle = len(unique) // 2
    left, _ = counts(counter, unique[:middle], feed)
    right, _ = counts(counter, unique[middle:], feed)
    return left | right, shown


def _run(args: list[str], counter: Counter, feed: Callable[[IO[bytes]], None] | None) -> process.Done:
    if feed is None:
        return process.run(args, timeout=counter.timeout, env=counter.env)
    with process.started(args, timeout=counter.timeout, env=counter.env, stdin=True) as running:
        assert running.stdin is not None
        write_into(running.stdin, feed)
        out = running.stdout.read()
        done = running.finish()
    return process.Done(done.args, done.code, out, done.stderr, done.seconds, done.timed_out)


def _selected(counter: Counter, each: str) -> int | None:
    given = counter.options
    wanted = f"({given.display_filter}) && ({each})" if given.display_filter else each
    args = [counter.tshark.path, "-n", "-r", str(counter.path), *given.arguments(), "-Y", wanted]
    args += ["-T", "fields", "-e", "frame.number"]
    done = process.run(args, timeout=counter.timeout, env=counter.env)
    return done.stdout.count(b"\n") if done.code == 0 else None
