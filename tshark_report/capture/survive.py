"""When tshark dies or hangs on a packet: find the frame, empty it, and read the rest.

The pass that died is run once more with its output flushed at each row: the frame behind the last row is the one. That
is verified with the capture up to before and up to that frame; where it does not hold, the end of the capture is
halved until it does. The frame is then emptied in a copy of the capture: it keeps its number, time and length, so that
every other frame keeps its number too. After a few such frames, or where memory is what was missing, the capture is
cut instead and the report covers what stands before. Where it is time, all of it is read once more without putting
together what several packets carry, which is what takes tshark so long, and cut only if that is too slow as well.
All of this together takes no more than a few deadlines (`deadlines.MOST_DEADLINES`), whatever the capture holds.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from tshark_report.capture import check, framing, piles, process, room, shortened
from tshark_report.capture.deadlines import MOST_DEADLINES
from tshark_report.capture.framing import Frames
from tshark_report.capture.probe import Ended, probed
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import TsharkDied, TsharkFailed

Result = TypeVar("Result")

RETRIES = 3
"""Frames that are emptied before the capture is cut: more of them are a broken tshark, not a broken packet."""

SHARE_OF_DEADLINE = 0.5
"""Of a pass's deadline: what one probe may take."""

MOST_PROBES = 40
"""Twice the halvings that a million frames need."""

NOT_TOGETHER = ("ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE")
"""Preferences under which tshark looks at each packet alone: its time then grows with their number, not faster."""

LATER_SHARE = 0.5
"""Of a pass's deadline: what each pass may take after one ran into it."""

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
    cut: str = ""
    """The sentence that says what was left out behind a deadly frame; empty where nothing was."""
    there: int = 0
    """Packets that were in the file before it was cut; 0 as long as it is not."""
    trimmed: int = 0
    """Frames of which the headers only were kept."""
    preferences: tuple[str, ...] = ()
    """What tshark is told beyond what the user says: nothing, or NOT_TOGETHER."""
    until: float = field(init=False)
    """When all of it ends, by the monotonic clock."""

    def __post_init__(self) -> None:
        self.until = time.monotonic() + MOST_DEADLINES * self.limit

    def seconds(self) -> float:
        """What the next pass may take."""
        return max(1.0, min(self.limit, self.until - time.monotonic()))


def reading(read: Callable[[check.Background], Result], case: Case) -> tuple[Result, check.Background]:
    """What `read` gives, which is called again for what can be read where tshark died; and the background it used.

    What was lost is told in the capture's `warnings` and `losses`; its `path` then names the copy that was read.

    Raises:
        TsharkDied: nothing can be read, or the capture's framing cannot be told.
    """
    while True:
        try:
            made = read(case.background)
        except piles.Piled as found:
            case.background = _headers_only(case, found.surplus)
            continue
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
        _rewritten(case, frames, {}, most)
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
    if time.monotonic() > case.until or (case.cut and not died.late):
        raise died
    shutil.rmtree(case.scratch / "objects", ignore_errors=True)  # what the pass that died had exported so far
    frames = _framed(case, died)
    if case.cut:
        return _cut(case, frames, len(frames) // 2, died, f"tshark {died.how} again and again")
    ended = _probe(case, died.command, frames, len(frames))
    if died.late and not case.preferences and ended.cause != "frame":
        return _not_together(case, died)
    if died.late and not ended.how:  # statistics take time that this probe does without
        return _cut(case, frames, len(frames) // 2, died, f"tshark {died.how}")
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
    _rewritten(case, frames, {frame: 0}, len(frames))
    return _indexed(case)


def _not_together(case: Case, died: TsharkDied) -> check.Background:
    """Read the same capture without putting together what several packets carry, and say so."""
    case.preferences = NOT_TOGETHER
    case.limit *= LATER_SHARE
    case.capture.losses.append(
        f"tshark {died.how}, so the capture was read packet by packet: what was sent in several packets, as IP "
        "fragments or as long messages over TCP (files, web pages), was not put together, and what can be seen only in "
        "the whole of it is not in this report."
    )
    case.capture.warnings.append(f"tshark {died.how}: the capture was read packet by packet, nothing was put together")
    return case.background


def _headers_only(case: Case, surplus: piles.Surplus) -> check.Background:
    """Keep no more than the headers of fragments that no datagram can hold, and say so."""
    frames = case.background.frames.result()
    assert frames is not None  # they were found by its framing
    _rewritten(case, frames, surplus.kept, len(frames))
    case.trimmed = len(surplus.kept)
    case.capture.losses.append(
        f"{case.trimmed:,} of {len(frames):,} packets are fragments of datagrams that had more of them than a datagram "
        f"can hold ({piles.MOST:,}), most from {surplus.between}: of these the headers were read and nothing else."
    )
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
        [editcap, "-F", "pcapng", str(case.capture.path), str(copy)], timeout=case.seconds(), env=case.env
    )  # what it says does not matter: the copy has frames or not
    try:
        frames = framing.index(copy)
    except (framing.NotFramed, OSError, ValueError):
        raise died from None
    if not len(frames):
        raise died
    case.capture.path = copy
    return frames


def _frame(case: Case, died: TsharkDied, frames: Frames, ended: Ended) -> tuple[int, str]:
    """The number (from 1) of the frame on which tshark dies, and how."""
    guess = min(ended.rows + 1, len(frames))
    if (
        not _probe(case, died.command, frames, guess - 1).how
        and (told := _probe(case, died.command, frames, guess)).how
    ):
        return guess, told.how
    # Rows are no guide here: the shortest beginning of the capture that kills it ends with the frame.
    alive, dead, how = 0, len(frames), ended.how
    stop = time.monotonic() + case.seconds()
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


def _probe(case: Case, command: tuple[str, ...], frames: Frames, upto: int) -> Ended:
    return probed(command, case.capture.path, frames, upto, case.env, case.seconds() * SHARE_OF_DEADLINE)


def _rewritten(case: Case, frames: Frames, kept: Mapping[int, int], upto: int) -> None:
    """Write the first `upto` frames as a capture in the scratch folder, of those in `kept` (numbers) so many bytes."""
    case.copies += 1
    target = case.scratch / f"mended{case.copies}{'.pcapng' if frames.pcapng else '.pcap'}"
    before = case.capture.path
    target.unlink(missing_ok=True)
    with target.open("xb") as out:  # a dissector that a packet has taken over may have put a link here
        shortened.write(before, frames, kept, upto, out)
    case.capture.path = target
    if before.parent == case.scratch and before.name.startswith("mended"):
        before.unlink(missing_ok=True)


def _cut(case: Case, frames: Frames, upto: int, died: TsharkDied, why: str) -> check.Background:
    """Keep the first `upto` frames only, and say so."""
    if upto < 1:
        raise died
    _rewritten(case, frames, {}, upto)
    case.there = case.there or len(frames)
    told = f"{why}: only the first {upto:,} of {case.there:,} packets were read, and this report is about those."
    case.capture.losses = [each for each in case.capture.losses if each != case.cut] + [told]
    case.capture.warnings = [each for each in case.capture.warnings if each != case.cut.rstrip(".")] + [
        told.rstrip(".")
    ]
    case.cut = told
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
