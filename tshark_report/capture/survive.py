"""When tshark dies or hangs on a packet: find the frame, empty it, and read the rest.

The pass that died is run once more with its output flushed at each row: the frame behind the last row is the one. That
is verified with the capture up to before and up to that frame; where it does not hold, the end of the capture is
halved until it does. The frame is then emptied in a copy of the capture: it keeps its number, time and length, so that
every other frame keeps its number too. After a few such frames, or where memory or time are what was missing, the
capture is cut instead and the report covers what stands before.
"""

from __future__ import annotations

import mmap
import os
import select
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TypeVar

from tshark_report.capture import check, framing, process, room
from tshark_report.capture.dissect import write_into
from tshark_report.capture.framing import Frames
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import TsharkDied, TsharkFailed

Result = TypeVar("Result")

RETRIES = 3
"""Frames that are emptied before the capture is cut: more of them are a broken tshark, not a broken packet."""

STALL_SECONDS = 15.0
"""Seconds without a row after which a probe takes tshark for hanging; the slowest packets seen took 0.03 s."""

SHARE_OF_DEADLINE = 0.5
"""Of a pass's deadline: what one probe may take."""

MOST_PROBES = 40
"""Twice the halvings that a million frames need."""

KEPT_OF_READ = 0.8
"""Share of the frames that were read before memory or time ran out that the second reading is given."""


@dataclass
class Case:
    """What is needed to find the frame, and what was found."""

    tshark: Tshark
    capture: check.CaptureFile
    background: check.Background
    scratch: Path
    env: dict[str, str]
    limit: float
    """Seconds that one pass may take."""
    pool: ThreadPoolExecutor
    emptied: dict[int, str] = field(default_factory=dict)
    """Frame number -> how tshark ended on it."""
    copies: int = 0
    again: bool = False
    """A reading was repeated without a change, since the death could not be repeated."""
    cut: bool = False
    """What stands behind a deadly frame was left out already."""


@dataclass(frozen=True)
class _Ended:
    """How a probe ended: rows that came out, and what stopped it (empty: it reached the end of the capture)."""

    rows: int
    how: str = ""
    cause: str = ""
    """`frame`: crashed or hung on one; `memory` or `time`: ran out of it."""


def reading(read: Callable[[check.Background], Result], case: Case) -> tuple[Result, check.Background]:
    """What `read` gives, which is called again for what can be read where tshark died; and the background it used.

    What was lost is told in the capture's `warnings` and `losses`; its `path` then names the copy that was read.

    Raises:
        TsharkDied: nothing can be read, or the capture's framing cannot be told.
    """
    while True:
        try:
            made = read(case.background)
        except TsharkDied as died:
            case.background = _mended(case, died)
            continue
        _tell_emptied(case)
        return made, case.background


def bounded(case: Case) -> None:
    """Keep no more of the capture than fits into memory, and say so; a capture that cannot be so large is let be."""
    most = room.most_packets()
    if not room.may_hold(case.capture.path.stat().st_size, most):
        return
    frames = case.background.frames.result()
    if frames is None or not frames.more:
        return
    most = len(frames) - 1
    there = case.background.info.result().values.get("Number of packets", "")
    end = int(frames.record[most])
    if case.capture.path.parent == case.scratch:
        os.truncate(case.capture.path, end)  # our own copy, unpacked
    else:
        _rewritten(case, frames, (), most)
    frames.shorten(most)
    total = f" of {int(there):,}" if there.isdigit() and int(there) > most else ""
    case.capture.losses.append(
        f"Only the first {most:,}{total} packets were read, since this machine has memory for no more: read the rest "
        "in slices, with --filter, --from and --to, or cut by editcap."
    )
    case.background = replace(case.background, info=_with_count(case, most))


def counted(capture: check.CaptureFile, taken: int) -> None:
    """Hold the packets that tshark gave against those in the file; what is missing is told as a loss.

    Raises:
        TsharkFailed: the file holds packets, and tshark gave none.
    """
    there = min(capture.packets, len(capture.frames)) if capture.frames is not None else capture.packets
    if taken >= there:
        return
    if not taken:
        raise TsharkFailed(
            "tshark gave no packet of this capture",
            detail=f"{capture.original.name}: {there:,} packets are in the file",
            causes=("this tshark is not one that was tested", "it was exchanged for another program"),
            next_step="tshark-report doctor",
        )
    told = f"tshark gave {taken:,} of the {there:,} packets in the file"
    capture.warnings.append(told)
    capture.losses.append(f"{told}: what the others hold is not in this report.")


def _mended(case: Case, died: TsharkDied) -> check.Background:
    """The background of the capture without what killed tshark."""
    if case.cut:
        raise died
    shutil.rmtree(case.scratch / "objects", ignore_errors=True)  # what the pass that died had exported so far
    frames = _framed(case, died)
    ended = _probe(case, died.command, frames, None)
    if not ended.how:
        if case.again:
            raise died
        case.again = True
        case.capture.warnings.append(f"tshark {died.how} once and read the same packets when started again")
        return case.background
    case.again = False
    if ended.cause != "frame":
        return _cut(
            case, frames, int(ended.rows * KEPT_OF_READ), died, f"tshark {ended.how} after {ended.rows:,} packets"
        )
    frame, how = _frame(case, died, frames, ended)
    if len(case.emptied) >= RETRIES or frame in case.emptied:
        several = f"{len(case.emptied)} frames before" if case.emptied else "no frame that could be named"
        return _cut(
            case, frames, frame - 1, died, f"tshark {how} on frame {frame:,}, after {several} had been left out"
        )
    case.emptied[frame] = how
    _rewritten(case, frames, {frame}, len(frames))
    return _indexed(case)


def _framed(case: Case, died: TsharkDied) -> Frames:
    """Where the frames lie; a capture of another type is written as pcapng first."""
    frames = case.background.frames.result()
    if frames is not None:
        return frames
    editcap = case.tshark.companion("editcap")
    copy = case.scratch / "framed.pcapng"
    if editcap is None or copy.exists():
        raise died
    process.run(
        [editcap, "-F", "pcapng", str(case.capture.path), str(copy)], timeout=case.limit, env=case.env
    )  # what it says does not matter: the copy has frames or not
    try:
        frames = framing.index(copy)
    except (framing.NotFramed, OSError, ValueError):
        raise died from None
    if not len(frames):
        raise died
    case.capture.path = copy
    return frames


def _frame(case: Case, died: TsharkDied, frames: Frames, ended: _Ended) -> tuple[int, str]:
    """The number (from 1) of the frame on which tshark dies, and how."""
    guess = min(ended.rows + 1, len(frames))
    if (
        not _probe(case, died.command, frames, guess - 1).how
        and (told := _probe(case, died.command, frames, guess)).how
    ):
        return guess, told.how
    # Rows are no guide here: the shortest beginning of the capture that kills it ends with the frame.
    alive, dead, how = 0, len(frames), ended.how
    stop = time.monotonic() + case.limit
    for _ in range(MOST_PROBES):
        if dead - alive <= 1 or time.monotonic() > stop:
            break
        middle = (alive + dead) // 2
        told = _probe(case, died.command, frames, middle)
        if told.how:
            dead, how = middle, told.how
        else:
            alive = middle
    return dead, how


def _probe(case: Case, command: tuple[str, ...], frames: Frames, upto: int | None) -> _Ended:
    """Run the pass that died on the first `upto` frames (None: all), row by row, and see how it ends."""
    if upto == 0:
        return _Ended(0)
    end = frames.end if upto is None or upto >= len(frames) else int(frames.record[upto])
    args = [*_probing(command, case.capture.path), "-l"]
    limit = case.limit * SHARE_OF_DEADLINE
    stall = min(STALL_SECONDS, limit / 3)
    rows, stalled = 0, False
    last = time.monotonic()
    with process.started(args, timeout=limit, env=case.env, stdin=True) as running:
        assert running.stdin is not None
        write_into(running.stdin, _beginning(case.capture.path, end))
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
        return _Ended(rows, f"gave no answer for {time.monotonic() - last:.0f} s", "frame")
    if done.timed_out or done.code == -getattr(signal, "SIGXCPU", 0):
        return _Ended(rows, f"was not ready after {limit:.0f} s", "time")
    if done.code < 0:
        memory = done.code == -9 or "failed to allocate" in done.stderr or "ut of memory" in done.stderr
        return _Ended(rows, f"was ended by {signal_name(-done.code)}", "memory" if memory else "frame")
    return _Ended(rows)


def _probing(command: tuple[str, ...], path: Path) -> list[str]:
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


def _rewritten(case: Case, frames: Frames, empty: Iterable[int], upto: int) -> None:
    """Write the first `upto` frames as a capture in the scratch folder, those in `empty` (numbers) without content."""
    case.copies += 1
    target = case.scratch / f"mended{case.copies}{'.pcapng' if frames.pcapng else '.pcap'}"
    before = case.capture.path
    with target.open("wb") as out:
        write(before, frames, empty, upto, out)
    case.capture.path = target
    if before.parent == case.scratch and before.name.startswith("mended"):
        before.unlink(missing_ok=True)


def write(source: Path, frames: Frames, empty: Iterable[int], upto: int, out: IO[bytes]) -> None:
    """Write the first `upto` frames of `source` to `out`; the frames in `empty` (numbers from 1) keep no content."""
    stop = frames.end if upto >= len(frames) else int(frames.record[upto])
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = 0
        for number in sorted({each for each in empty if each <= upto}):
            start = int(frames.record[number - 1])
            _copy(data, at, start, out)
            record, at = _emptied(data, frames, number - 1, start)
            out.write(record)
        _copy(data, at, stop, out)


def _copy(data: mmap.mmap, start: int, end: int, out: IO[bytes]) -> None:
    for at in range(start, end, 1 << 24):
        out.write(data[at : min(end, at + (1 << 24))])


def _emptied(data: mmap.mmap, frames: Frames, place: int, start: int) -> tuple[bytes, int]:
    """The record of a frame without its bytes, and where the next one starts."""
    if not frames.pcapng:
        seconds, part, captured, wire = struct.unpack_from(frames.order + "IIII", data, start)
        return struct.pack(frames.order + "IIII", seconds, part, 0, wire), start + 16 + captured
    order = frames.order
    kind, length = struct.unpack_from(order + "II", data, start)
    if kind not in (framing.SIMPLE, framing.ENHANCED, framing.OLD_PACKET):  # a section in the other byte order
        order = ">" if order == "<" else "<"
        kind, length = struct.unpack_from(order + "II", data, start)
    if kind == framing.SIMPLE:
        # A simple block has one length: with 0 on the wire there is nothing captured either.
        return struct.pack(order + "IIII", kind, 16, 0, 16), start + length
    head = data[start + 8 : start + 20]
    wire = frames.wire[place]
    return struct.pack(order + "II", kind, 32) + head + struct.pack(order + "III", 0, wire, 32), start + length


def _cut(case: Case, frames: Frames, upto: int, died: TsharkDied, why: str) -> check.Background:
    """Keep the first `upto` frames only, and say so."""
    if upto < 1:
        raise died
    case.cut = True
    _rewritten(case, frames, (), upto)
    case.capture.losses.append(
        f"{why}: only the first {upto:,} of {len(frames):,} packets were read, and this report is about those."
    )
    case.capture.warnings.append(case.capture.losses[-1].rstrip("."))
    return replace(_indexed(case), info=_with_count(case, upto))


def _with_count(case: Case, packets: int) -> Future[check.Capinfos]:
    """What capinfos said of the file, with the number of packets that are left of it."""
    kept = case.background.info

    def info() -> check.Capinfos:
        before = kept.result()
        return replace(before, values=before.values | {"Number of packets": str(packets)})

    return case.pool.submit(info)


def _indexed(case: Case) -> check.Background:
    return replace(case.background, frames=case.pool.submit(check.frames_of, case.capture.path))


def _tell_emptied(case: Case) -> None:
    for frame, how in sorted(case.emptied.items()):
        told = f"tshark {how} on frame {frame:,}, which was left out: it is counted with its time and length"
        case.capture.warnings.append(told)
        case.capture.losses.append(f"{told}, and nothing of its content is in this report.")
