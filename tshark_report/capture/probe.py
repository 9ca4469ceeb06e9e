"""A tshark that died is started again, its output flushed at each row: how far does it come, and how does it end?"""

from __future__ import annotations

import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tshark_report.capture import process
from tshark_report.capture.dissect import write_into
from tshark_report.capture.framing import Frames

STALL_SECONDS = 15.0
"""Seconds without a row after which a probe takes tshark for hanging; the slowest packets seen took 0.03 s."""


@dataclass(frozen=True)
class Ended:
    """How a probe ended: rows that came out, and what stopped it (empty: it reached the end of the capture)."""

    rows: int
    how: str = ""
    cause: str = ""
    """`frame`: crashed or hung on one; `memory` or `time`: ran out of it."""


def probed(
    command: Sequence[str], path: Path, frames: Frames, upto: int, env: Mapping[str, str], limit: float
) -> Ended:
    """Run a pass that died again, on the first `upto` frames of `path`, row by row, and see how it ends.

    `limit` is in seconds.
    """
    if upto == 0:
        return Ended(0)
    end = frames.end if upto >= len(frames) else int(frames.record[upto])
    args = [*_probing(command, path), "-l"]
    stall = min(STALL_SECONDS, limit / 3)
    rows, stalled = 0, False
    last = time.monotonic()
    with process.started(args, timeout=limit, env=env, stdin=True) as running:
        assert running.stdin is not None
        write_into(running.stdin, _beginning(path, end))
        while True:
            # Starting takes a while on a busy machine: the first row may take as long as the whole probe.
            if not _ready(running.stdout, stall if rows else limit):
                stalled = True
                running.kill()
            piece = running.stdout.read1(1 << 20)  # type: ignore[attr-defined]
            if not piece:
                break
            rows += piece.count(b"\n")
            last = time.monotonic()
        done = running.finish()
    rows = min(rows, len(frames))
    if stalled or (done.timed_out and time.monotonic() - last > limit / 2):
        return Ended(rows, f"gave no answer for {time.monotonic() - last:.0f} s", "frame")
    if done.timed_out or done.code == -getattr(signal, "SIGXCPU", 0):
        return Ended(rows, f"was not ready after {limit:.0f} s", "time")
    if done.code < 0:
        memory = done.code == -9 or "failed to allocate" in done.stderr or "ut of memory" in done.stderr
        return Ended(rows, f"was ended by {signal_name(-done.code)}", "memory" if memory else "frame")
    return Ended(rows)


def _probing(command: Sequence[str], path: Path) -> list[str]:
    """The command that died, reading from its standard input, every packet a row, no statistics and no files."""
    made: list[str] = []
    skip = False
    for place, arg in enumerate(command):
        if skip:
            skip = False
        elif arg in ("-Y", "-z", "--export-objects"):
            skip = True
        elif place and command[place - 1] == "-r":
            made.append("-")
        elif arg != str(path):
            made.append(arg)
    return made


def _ready(pipe: IO[bytes], seconds: float) -> bool:
    if sys.platform == "win32":  # select knows only sockets there: the deadline alone decides
        return True
    return bool(select.select([pipe], [], [], seconds)[0])


def _beginning(path: Path, end: int) -> Callable[[IO[bytes]], None]:
    """A function that writes the first `end` bytes of `path` into a pipe."""

    def work(pipe: IO[bytes]) -> None:
        left = end
        with path.open("rb") as file:
            while left and (piece := file.read(min(left, 1 << 20))):
                pipe.write(piece)
                left -= len(piece)

    return work


def signal_name(number: int) -> str:
    """`signal 11 (SIGSEGV)`."""
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
