"""The tshark passes over a capture: the fast layout for all packets, the full one for those that need it.

Large captures are dealt out to several tsharks by address pair.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tshark_report.capture.load import Progress

from tshark_report.capture import check, dissect, headers, split
from tshark_report.capture.dealt import Dealt, Hand
from tshark_report.capture.dissect import Options
from tshark_report.capture.job import Job
from tshark_report.errors import TsharkFailed
from tshark_report.tables import columns
from tshark_report.tables.read import Builder

FEW = 0.5
"""Share of a shard up to which packets for the full layout are read again with their hosts' packets only."""


@dataclass(frozen=True)
class Part:
    """What was read of one shard, or of the whole capture where `shard` is None."""

    builders: list[Builder]
    passes: list[dissect.Pass]
    shard: split.Shard | None = None


def read(
    job: Job, capture: check.CaptureFile, background: check.Background, progress: Progress
) -> tuple[list[Part], npt.NDArray[np.uint64] | None]:
    """Rows of the capture, and the keys of its frames where it can be cut.

    The fast layout comes first, then the full one for the packets that need it, or for all of them.

    Raises:
        Piled: the capture holds more small pieces of one thing than tshark can put together.
        FilterRejected: tshark does not accept the options.
        TsharkFailed: tshark was killed, hung or gave nothing.
    """
    export = job.objects
    if job.options.display_filter:
        # The number of rows is not known beforehand, so that a forged row would not be noticed: -T fields escapes.
        progress("tshark reads the packets", 0.05)
        return [_all_by_fields(job, export)], None
    frames = background.frames.result() if job.waits_for_frames else None
    dealt = job.deal(frames) if frames is not None else None
    keys = dealt.keys if dealt is not None else None
    progress("tshark reads the packets", 0.05)
    try:
        if dealt is None or not dealt.hands:
            builder = Builder(job.known)
            first = _first(job, builder, len(frames) if frames is not None else None, export, None)
            return [Part([builder], [first, *_again(job, builder)])], keys
        with ThreadPoolExecutor(len(dealt.hands) + 1) as pool:
            lean = pool.submit(headers.read, capture.path, dealt.frames, dealt.at).result if dealt.plain else None
            work = [
                pool.submit(_shard, job, dealt, hand, lean, job.objects_of(place))
                for place, hand in enumerate(dealt.hands)
            ]
            return [future.result() for future in work], keys
    except dissect.Forged:
        capture.warnings.append(
            "a packet holds text that imitates tshark's own output; the capture was read by escaped fields"
        )
        return [_all_by_fields(job, export)], keys


def _all_by_fields(job: Job, export: Path | None) -> Part:
    builder = Builder(job.known)
    try:
        made = dissect.dissect(
            job.tshark, job.path, builder.full_layout(), builder.add_full, expected=None,
            options=job.options, env=job.env, timeout=job.limit, objects=export, start=job.early.started,
        )  # fmt: skip
    except dissect.Forged as error:
        raise TsharkFailed(
            "tshark's answer does not have the shape of packets",
            detail=f"{job.path.name}: {error}, also where every field is escaped",
            causes=("this tshark is not one that was tested", "it was exchanged for another program"),
            next_step="tshark-report doctor",
        ) from error
    return Part([builder], [made])


def _shard(job: Job, dealt: Dealt, hand: Hand, lean: Callable[[], pl.DataFrame] | None, export: Path | None) -> Part:
    """One shard: the fast layout for all of it, and the full one for the hosts whose packets need it.

    `lean` gives the headers of all frames; without it tshark is asked for them.
    """
    shard = hand.shard
    feed = split.feeder(job.path, dealt.frames, shard)

    def fast(asked: frozenset[str]) -> tuple[Builder, dissect.Pass]:
        made = Builder(job.known, frame_map=shard.numbers(), headers=lean, asked=asked)
        return made, _first(job, made, len(shard.frames), export, feed)

    def companions(of: Builder) -> split.Shard:
        return split.companions(shard, dealt.keys, of.odd_frames().to_numpy().astype("int64"))

    builder, first = fast(hand.asked)
    cut = companions(builder)
    if builder.unasked and len(cut.frames) > FEW * len(shard.frames):
        # Much of it is a protocol on a port that is not its usual one.
        if export is not None:
            shutil.rmtree(export, ignore_errors=True)
        builder, first = fast(columns.EVERY_MARKER)
        cut = companions(builder)
    if not builder.odd:
        return Part([builder], [first], shard)
    if len(cut.frames) > FEW * len(shard.frames):
        return Part([builder], [first, *_again(job, builder, feed)], shard)
    whole = Builder(job.known, frame_map=cut.numbers())
    second = dissect.dissect(
        job.tshark, job.path, whole.full_layout(), whole.add_full, expected=len(cut.frames),
        options=job.options, env=job.env, timeout=job.limit, taps=(),
        feed=split.feeder(job.path, dealt.frames, cut),
    )  # fmt: skip
    _same(len(cut.frames), second.rows)
    builder.leave_out(pl.Series("frame", cut.frames + 1).cast(pl.UInt32))
    return Part([builder, whole], [first, second], shard)


def _first(
    job: Job,
    builder: Builder,
    expected: int | None,
    export: Path | None,
    feed: Callable[[IO[bytes]], None] | None,
) -> dissect.Pass:
    """One tshark over the capture or one shard of it, in the fast layout."""
    first = dissect.dissect(
        job.tshark, job.path, builder.fast_layout(), builder.add, expected=expected, options=job.options,
        env=job.env, timeout=job.limit, objects=export, feed=feed, start=job.early.started,
    )  # fmt: skip
    if not _in_order(builder):
        raise dissect.Forged("frame numbers are not 1, 2, 3, ...")
    return first


def _again(job: Job, builder: Builder, feed: Callable[[IO[bytes]], None] | None = None) -> list[dissect.Pass]:
    """A second tshark for the packets that need the full layout, where there are any."""
    again = builder.again()
    if again is None:
        return []
    if feed is None and job.early.holds(job.again()):
        again = ""  # such a pass is under way: nothing is won by a narrower one
    if again == "":
        builder.forget()
    given = job.options
    narrowed = Options(again, given.keylog, given.decode_as, given.preferences, given.profile)
    second = dissect.dissect(
        job.tshark, job.path, builder.full_layout(), builder.add_full, expected=None, options=narrowed,
        env=job.env, timeout=job.limit, taps=(), feed=feed, start=job.early.started,
    )  # fmt: skip
    if again:
        _same(sum(builder.odd.values()), second.rows)
    return [second]


def _same(wanted: int, came: int) -> None:
    if wanted != came:
        raise TsharkFailed(
            "tshark gave two different answers about the same capture",
            detail=f"{wanted} packets needed a second look, {came} came",
            causes=("the file changed while it was read",),
            next_step="run the report again",
        )


def commands(passes: list[dissect.Pass], path: Path) -> list[tuple[str, list[str]]]:
    """What was run, as one could run it again: a split pass is written as the one pass it stands for."""
    made: list[tuple[str, list[str]]] = []
    for each in passes:
        purpose = "packets and statistics" if each.taps else "packets with several layers, field by field"
        command = [str(path) if arg == "-" and place and each.command[place - 1] == "-r" else arg
                   for place, arg in enumerate(each.command)]  # fmt: skip
        if purpose not in (p for p, _ in made):
            made.append((purpose, command))
    return made


def _in_order(builder: Builder) -> bool:
    """Are the frames that were read 1, 2, 3, ... with only those missing that will be read again?"""
    numbers = builder.packets()["frame"]
    total = len(numbers) + sum(builder.odd.values())
    if total == 0:
        return True
    if numbers.is_null().any() or numbers.n_unique() != len(numbers):
        return False
    if builder.frame_map is not None:
        return total == len(builder.frame_map)  # a number outside the shard has become null already
    return int(str(numbers.max() or 0)) <= total
