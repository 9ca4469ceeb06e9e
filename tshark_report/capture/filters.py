"""Run display filters: how many packets each selects, all of them in one tshark pass.

`-z io,stat,0,FILTER,FILTER,...` counts, a pair of columns for each filter in the order
given. The tables already say which frames a finding is about; that tshark counts as
many is the proof that the printed filter works. In a large capture tshark is given only
the conversations that the filters can select, in cuts that several tsharks read at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tshark_report.capture import process, split
from tshark_report.capture.dissect import Options, write_into
from tshark_report.capture.load import Loaded
from tshark_report.capture.tshark import Tshark
from tshark_report.tables import cuts, first_pass
from tshark_report.tables.frame_sets import spelled_out, without_commas

_ROW = re.compile(r"^\|[^|]*<>[^|]*\|((?:\s*\d+\s*\|)+)", re.MULTILINE)

SMALL_PACKETS = 30_000
"""Captures up to this size are simply read again: that takes less than a second."""
LARGEST_WHOLE = 400_000
"""Packets up to which a filter that may select anything is run on the whole capture."""
MOST_FILTERS = 120
"""Filters that are run on a larger capture, the most telling findings' first."""


MOST_ALONE = 20
"""Filters that are run one by one, where tshark cannot take them together."""


@dataclass(frozen=True)
class Counter:
    """What is needed to run filters on one capture."""

    tshark: Tshark
    path: Path
    options: Options
    env: dict[str, str]
    timeout: float


def checked(counter: Counter, wanted: Sequence[str], loaded: Loaded, jobs: int = 1) -> tuple[dict[str, int], list[str]]:
    """Packets that each filter selects, and a command that counts them; the most important filters come first.

    `jobs` is how many tsharks may run at once. A filter that tshark refuses, or that would need a whole pass over a
    very large capture, is missing from the result: its finding is then marked as not checked.
    """
    plain = {each: spelled_out(each) for each in wanted if each}
    found, command = _checked(counter, list(dict.fromkeys(plain.values())), loaded, jobs)
    return {each: found[same] for each, same in plain.items() if same in found}, command


def _checked(counter: Counter, unique: list[str], loaded: Loaded, jobs: int) -> tuple[dict[str, int], list[str]]:
    """As `checked`, for filters without sets, each once."""
    total = loaded.tables.packets.height
    frames, keys = loaded.capture.frames, loaded.keys
    if not unique:
        return {}, []
    if total <= SMALL_PACKETS:
        return counts(counter, unique)
    unique = unique[:MOST_FILTERS]
    options = counter.options
    if frames is None or keys is None or loaded.quoted is None or options.display_filter or options.keylog:
        return counts(counter, unique) if total <= LARGEST_WHOLE else ({}, [])
    import numpy as np

    found = {each: n for each in unique if (n := first_pass.counted(each, loaded.tables)) is not None}
    pair = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    asked = [each for each in unique if each not in found]
    made, rest = cuts.plan(asked, cuts.Capture(loaded.tables, pair, loaded.quoted))
    made.sort(key=lambda cut: -len(cut.frames))
    with ThreadPoolExecutor(jobs) as pool:
        work = [
            pool.submit(
                counts,
                counter,
                list(cut.filters.values()),
                split.feeder(counter.path, frames, split.Shard(cut.frames - 1)),
            )
            for cut in made
        ]
        whole = pool.submit(counts, counter, rest) if rest and total <= LARGEST_WHOLE else None
        counted = [(cut.filters, future.result()[0]) for cut, future in zip(made, work, strict=True)]
        for each in asked:
            parts = [numbers.get(filters[each]) for filters, numbers in counted if each in filters]
            if parts and None not in parts:
                found[each] = sum(n for n in parts if n is not None)
        if whole is not None:
            found |= whole.result()[0]
    return found, _command(counter, [each for each in unique if each in found])


def counts(
    counter: Counter, unique: list[str], feed: Callable[[IO[bytes]], None] | None = None
) -> tuple[dict[str, int], list[str]]:
    """Packets that each filter selects, by one pass over the capture or over what `feed` writes; and the command."""
    tshark, options = counter.tshark, counter.options
    unique = list(dict.fromkeys(unique))
    if not unique:
        return {}, []
    plain = [spelled_out(each) for each in unique]
    own = without_commas(options.display_filter)
    if own is None:
        return _one_by_one(counter, unique), _command(counter, unique[:1])
    columns = [f"({own}) && ({each})" if own else each for each in plain]
    shown = _command(counter, columns)
    args = [tshark.path, "-n", "-r", "-", *shown[4:]] if feed else shown
    done = _run(args, counter, feed)
    rows = _ROW.findall(done.stdout.decode("utf-8", "replace"))
    numbers = [int(part) for row in rows for part in row.split("|") if part.strip()]
    # Frames and bytes of each filter; one interval, so one row.
    if len(rows) == 1 and len(numbers) == 2 * len(unique):
        return dict(zip(unique, numbers[::2], strict=True)), shown
    if done.code == 0 and not rows and feed is None:
        # A capture that lasts no time at all has no interval to print: each filter is run on its own.
        return _one_by_one(counter, unique), shown
    if len(unique) == 1 or done.timed_out:
        return {}, shown
    # One filter that tshark refuses ends the whole run: halve until it stands alone.
    middle = len(unique) // 2
    left, _ = counts(counter, unique[:middle], feed)
    right, _ = counts(counter, unique[middle:], feed)
    return left | right, shown


def _command(counter: Counter, columns: list[str]) -> list[str]:
    args = [counter.tshark.path, "-n", "-r", str(counter.path), *counter.options.arguments(), "-q"]
    return [*args, "-z", "io,stat,0," + ",".join(columns)] if columns else []


def _run(args: list[str], counter: Counter, feed: Callable[[IO[bytes]], None] | None) -> process.Done:
    if feed is None:
        return process.run(args, timeout=counter.timeout, env=counter.env)
    with process.started(args, timeout=counter.timeout, env=counter.env, stdin=True) as running:
        assert running.stdin is not None
        write_into(running.stdin, feed)
        out = running.stdout.read()
        done = running.finish()
    return process.Done(done.args, done.code, out, done.stderr, done.seconds, done.timed_out)


def _one_by_one(counter: Counter, unique: list[str]) -> dict[str, int]:
    return {f: n for f in unique[:MOST_ALONE] if (n := _selected(counter, f)) is not None}


def _selected(counter: Counter, each: str) -> int | None:
    given = counter.options
    wanted = f"({given.display_filter}) && ({each})" if given.display_filter else each
    args = [counter.tshark.path, "-n", "-r", str(counter.path), *given.arguments(), "-Y", wanted]
    args += ["-T", "fields", "-e", "frame.number"]
    done = process.run(args, timeout=counter.timeout, env=counter.env)
    return done.stdout.count(b"\n") if done.code == 0 else None
