"""Run display filters: how many packets each selects, all of them in one tshark pass.

`-z io,stat,0,FILTER,FILTER,...` counts, a pair of columns for each filter in the order
given. The tables already say which frames a finding is about; that tshark counts as
many is the proof that the printed filter works.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tshark_report.capture import process
from tshark_report.capture.dissect import Options
from tshark_report.capture.tshark import Tshark

_ROW = re.compile(r"^\|[^|]*<>[^|]*\|((?:\s*\d+\s*\|)+)", re.MULTILINE)


def counts(
    tshark: Tshark, path: Path, wanted: Sequence[str], options: Options, env: dict[str, str], timeout: float
) -> tuple[dict[str, int], list[str]]:
    """Packets that each filter selects, and the command that was run.

    A filter that tshark refuses, or whose count cannot be read, is missing from the result: its finding is then
    marked as not checked.
    """
    unique = list(dict.fromkeys(f for f in wanted if f))
    if not unique:
        return {}, []
    columns = [f"({options.display_filter}) && ({each})" if options.display_filter else each for each in unique]
    args = [tshark.path, "-n", "-r", str(path), *options.arguments(), "-q", "-z", "io,stat,0," + ",".join(columns)]
    done = process.run(args, timeout=timeout, env=env)
    rows = _ROW.findall(done.stdout.decode("utf-8", "replace"))
    numbers = [int(part) for row in rows for part in row.split("|") if part.strip()]
    # Frames and bytes of each filter; one interval, so one row.
    if len(rows) == 1 and len(numbers) == 2 * len(unique):
        return dict(zip(unique, numbers[::2], strict=True)), args
    if done.code == 0 and not rows:
        # A capture that lasts no time at all has no interval to print: each filter is run on its own.
        return {f: n for f in unique[:20] if (n := _selected(tshark, path, f, options, env, timeout)) is not None}, args
    if len(unique) == 1 or done.timed_out:
        return {}, args
    # One filter that tshark refuses ends the whole run: halve until it stands alone.
    middle = len(unique) // 2
    left, _ = counts(tshark, path, unique[:middle], options, env, timeout)
    right, _ = counts(tshark, path, unique[middle:], options, env, timeout)
    return left | right, args


def _selected(
    tshark: Tshark, path: Path, each: str, options: Options, env: dict[str, str], timeout: float
) -> int | None:
    wanted = f"({options.display_filter}) && ({each})" if options.display_filter else each
    args = [tshark.path, "-n", "-r", str(path), *options.arguments(), "-Y", wanted, "-T", "fields", "-e", "frame.number"]
    done = process.run(args, timeout=timeout, env=env)
    return done.stdout.count(b"\n") if done.code == 0 else None
