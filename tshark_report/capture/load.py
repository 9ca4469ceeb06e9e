"""A capture file in, tables out: the check, the tshark pass, and what is read beside it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

from tshark_report.capture import check, dissect, handshakes, headers, objects, payload, split, survive
from tshark_report.capture.deadlines import deadline
from tshark_report.capture.dissect import Options
from tshark_report.capture.framing import Frames
from tshark_report.capture.tshark import Tshark, known_fields
from tshark_report.errors import TsharkFailed
from tshark_report.tables import columns
from tshark_report.tables.merge import merged
from tshark_report.tables.read import Builder
from tshark_report.tables.tables import Tables, from_builder

EXPORT_LIMIT = 200 * 1024 * 1024
"""Bytes of capture up to which carried files are exported in the same pass; tshark keeps all of them in memory."""

WAIT_FOR_FRAMES = 4_000_000
"""Bytes of capture up to which the framing, read within milliseconds, is waited for: it says how many rows come."""

FEW = 0.5
"""Share of a shard up to which packets for the full layout are read again with their hosts' packets only."""

MOSTLY = 0.6
"""Share of frames with an IP header at its usual place from which the headers are read beside tshark."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done (0 to 1)."""


@dataclass
class Loaded:
    """A capture as tables, with what the file said and what was run."""

    capture: check.CaptureFile
    tables: Tables
    taps: list[str]
    """What the statistics printed: one text for each tshark that read a part of the capture."""
    commands: list[tuple[str, list[str]]] = field(default_factory=list)
    """(purpose, arguments) of every tshark and capinfos run."""
    seconds: float = 0.0
    keys: npt.NDArray[np.uint64] | None = None
    """For each frame a number that stands for its outer address pair, where the capture can be cut by it."""
    quoted: pl.DataFrame | None = None
    """Streams that ICMP errors quote: columns frame, layer, stream."""


def load(
    path: Path,
    tshark: Tshark,
    scratch: Path,
    env: dict[str, str],
    options: Options,
    *,
    timeout: float | None = None,
    jobs: int | None = None,
    keep_files: bool = False,
    progress: Progress = lambda _what, _share: None,
) -> Loaded:
    """Read a capture, with as many tsharks at once as `jobs` says (None: as there are processors).

    With `keep_files` what crossed the wire stays below the scratch folder's `objects`.

    Raises:
        CaptureUnreadable: not a capture, or no packet in it.
        FilterRejected: tshark does not accept the options.
        TsharkFailed: tshark was killed, hung or gave nothing.
    """
    started = time.monotonic()
    limit = timeout or deadline(check.size(path))
    with ThreadPoolExecutor(3) as pool:
        progress("checking the file", 0.0)
        capture, background = check.begin(tshark, path, scratch, env, limit, pool)
        known = known_fields(tshark, columns.all_fields(), env)

        def read(ground: check.Background) -> tuple[list[_Part], npt.NDArray[np.uint64] | None]:
            reading = _Reading(tshark, capture.path, known, env, options, limit)
            return _read(capture, ground, reading, scratch, jobs or os.cpu_count() or 1, progress)

        case = survive.Case(tshark, capture, background, scratch, env, limit, pool)
        survive.bounded(case)
        searched, hunting = capture.path, pool.submit(payload.search, capture.path)
        (parts, keys), background = survive.reading(read, case)
        info = background.info.result()
        capture.sha256 = background.hash.result()
        capture.frames = background.frames.result()
        hits = hunting.result() if capture.path == searched and capture.frames is not None else None
    check.accept(capture, info)
    builder = merged([b for part in parts for b in part.builders])
    passes = [p for part in parts for p in part.passes]
    taken = builder.packets().height
    if capture.frames is not None:
        capture.truncated = capture.truncated or capture.frames.truncated
        capture.snap_cut = sum(
            1 for got, wire in zip(capture.frames.captured, capture.frames.wire, strict=True) if got < wire
        )
    capture.packets = capture.packets or taken
    if not options.display_filter:
        survive.counted(capture, taken)
    capture.truncated = capture.truncated or any(p.truncated for p in passes)
    capture.warnings += [note for p in passes for note in p.notes]
    if capture.packets == 0:
        raise check.no_packet(capture)
    progress("looking into payloads", 0.9)
    not_made: dict[str, str] = {}
    packets = builder.packets()
    sides = payload.read(capture.path, capture.frames, packets, hits) if capture.frames is not None else None
    if sides is None:
        not_made |= dict.fromkeys(
            ("openings", "signatures"), f"payload bytes are read from pcap and pcapng, not from {capture.file_type}"
        )
    if capture.frames is not None:
        builder.replace(
            "certificates",
            handshakes.certificates(capture.path, capture.frames, packets, builder.family("certificates")),
        )
    exported = _exported(scratch / "objects", parts, builder, keep=keep_files)
    if capture.path.stat().st_size > EXPORT_LIMIT:
        not_made["files"] = f"files are exported from captures up to {EXPORT_LIMIT // 1024**2} MB"
    tables = from_builder(
        builder,
        openings=sides.openings if sides else None,
        signatures=sides.signatures if sides else None,
        files=exported,
        link_types=tuple(capture.link_types),
        not_made=not_made,
    )
    commands = _commands(passes, capture.path)
    taps = [p.taps for p in passes if p.taps]
    return Loaded(capture, tables, taps, commands, time.monotonic() - started, keys, builder.quoted())


@dataclass(frozen=True)
class _Reading:
    """What every pass over this capture needs."""

    tshark: Tshark
    path: Path
    known: frozenset[str]
    env: dict[str, str]
    options: Options
    limit: float


@dataclass(frozen=True)
class _Part:
    """What was read of one shard, or of the whole capture where `shard` is None."""

    builders: list[Builder]
    passes: list[dissect.Pass]
    shard: split.Shard | None = None


def _read(
    capture: check.CaptureFile,
    background: check.Background,
    reading: _Reading,
    scratch: Path,
    jobs: int,
    progress: Progress,
) -> tuple[list[_Part], npt.NDArray[np.uint64] | None]:
    """Rows of the capture, and the keys of its frames where it can be cut.

    The fast layout comes first, then the full one for the packets that need it, or for all of them.
    """
    size = capture.path.stat().st_size
    export = scratch / "objects" if size <= EXPORT_LIMIT and not reading.options.display_filter else None
    if reading.options.display_filter:
        # The number of rows is not known beforehand, so that a forged row would not be noticed: -T fields escapes.
        progress("tshark reads the packets", 0.05)
        return [_all_by_fields(reading, export)], None
    frames = background.frames.result() if size < WAIT_FOR_FRAMES or jobs > 1 else None
    at = split.located(capture.path, frames) if frames is not None and len(frames) >= split.LEAST_PACKETS else None
    keys = split.keys(capture.path, frames, at) if frames is not None and at is not None else None
    shards = split.plan(frames, keys, jobs) if frames is not None and keys is not None else None
    progress("tshark reads the packets", 0.05)
    try:
        if shards is None or frames is None or keys is None or at is None:
            builder = Builder(reading.known)
            first = _first(reading, builder, len(frames) if frames is not None else None, export, None)
            return [_Part([builder], [first, *_again(reading, builder)])], keys
        with ThreadPoolExecutor(jobs + 1) as pool:
            # Where a layer stands in between (PPPoE, MPLS), hardly a frame's headers are found at their places.
            plain = int((keys != 0).sum()) >= MOSTLY * len(keys)
            lean = pool.submit(headers.read, capture.path, frames, at).result if plain else None
            split_at = _Split(frames, keys, at if plain else None, lean)
            work = [
                pool.submit(_shard, reading, split_at, shard, _part(export, place))
                for place, shard in enumerate(shards)
            ]
            return [future.result() for future in work], keys
    except dissect.Forged:
        capture.warnings.append(
            "a packet holds text that imitates tshark's own output; the capture was read by escaped fields"
        )
        return [_all_by_fields(reading, export)], keys


def _part(export: Path | None, place: int) -> Path | None:
    # tshark makes the folder itself: behind the fence it may run as another user.
    return None if export is None else export / str(place)


def _all_by_fields(reading: _Reading, export: Path | None) -> _Part:
    builder = Builder(reading.known)
    try:
        made = dissect.dissect(
            reading.tshark, reading.path, builder.full_layout(), builder.add_full, expected=None,
            options=reading.options, env=reading.env, timeout=reading.limit, objects=export,
        )  # fmt: skip
    except dissect.Forged as error:
        raise TsharkFailed(
            "tshark's answer does not have the shape of packets",
            detail=f"{reading.path.name}: {error}, also where every field is escaped",
            causes=("this tshark is not one that was tested", "it was exchanged for another program"),
            next_step="tshark-report doctor",
        ) from error
    return _Part([builder], [made])


@dataclass(frozen=True)
class _Split:
    """A capture that is dealt out by address pair."""

    frames: Frames
    keys: npt.NDArray[np.uint64]
    at: split.Located | None
    """Where the network headers stand; None where they are not at their places."""
    lean: Callable[[], pl.DataFrame] | None
    """Gives the headers of all frames; without it tshark is asked for them."""


def _shard(reading: _Reading, capture: _Split, shard: split.Shard, export: Path | None) -> _Part:
    """One shard: the fast layout for all of it, and the full one for the hosts whose packets need it."""
    feed = split.feeder(reading.path, capture.frames, shard)

    def fast(asked: frozenset[str]) -> tuple[Builder, dissect.Pass]:
        made = Builder(reading.known, frame_map=shard.numbers(), headers=capture.lean, asked=asked)
        return made, _first(reading, made, len(shard.frames), export, feed)

    def companions(of: Builder) -> split.Shard:
        return split.companions(shard, capture.keys, of.odd_frames().to_numpy().astype("int64"))

    builder, first = fast(_asked(reading, capture, shard))
    cut = companions(builder)
    if builder.unasked and len(cut.frames) > FEW * len(shard.frames):
        # Much of it is a protocol on a port that is not its usual one.
        if export is not None:
            shutil.rmtree(export, ignore_errors=True)
        builder, first = fast(columns.EVERY_MARKER)
        cut = companions(builder)
    if not builder.odd:
        return _Part([builder], [first], shard)
    if len(cut.frames) > FEW * len(shard.frames):
        return _Part([builder], [first, *_again(reading, builder, feed)], shard)
    whole = Builder(reading.known, frame_map=cut.numbers())
    second = dissect.dissect(
        reading.tshark, reading.path, whole.full_layout(), whole.add_full, expected=len(cut.frames),
        options=reading.options, env=reading.env, timeout=reading.limit, taps=(),
        feed=split.feeder(reading.path, capture.frames, cut),
    )  # fmt: skip
    _same(len(cut.frames), second.rows)
    builder.leave_out(pl.Series("frame", cut.frames + 1).cast(pl.UInt32))
    return _Part([builder, whole], [first, second], shard)


def _asked(reading: _Reading, capture: _Split, shard: split.Shard) -> frozenset[str]:
    """The protocols whose fields this shard is asked for."""
    if capture.at is None or reading.options.decode_as:
        return columns.EVERY_MARKER
    return columns.asked_for(headers.payload_ports(reading.path, capture.at, shard.frames))


def _first(
    reading: _Reading,
    builder: Builder,
    expected: int | None,
    export: Path | None,
    feed: Callable[[IO[bytes]], None] | None,
) -> dissect.Pass:
    """One tshark over the capture or one shard of it, in the fast layout."""
    first = dissect.dissect(
        reading.tshark, reading.path, builder.fast_layout(), builder.add, expected=expected, options=reading.options,
        env=reading.env, timeout=reading.limit, objects=export, feed=feed,
    )  # fmt: skip
    if not _in_order(builder):
        raise dissect.Forged("frame numbers are not 1, 2, 3, ...")
    return first


def _again(reading: _Reading, builder: Builder, feed: Callable[[IO[bytes]], None] | None = None) -> list[dissect.Pass]:
    """A second tshark for the packets that need the full layout, where there are any."""
    again = builder.again()
    if again is None:
        return []
    if again == "":
        builder.forget()
    given = reading.options
    narrowed = Options(again, given.keylog, given.decode_as, given.preferences, given.profile)
    second = dissect.dissect(
        reading.tshark, reading.path, builder.full_layout(), builder.add_full, expected=None, options=narrowed,
        env=reading.env, timeout=reading.limit, taps=(), feed=feed,
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


def _exported(folder: Path, parts: list[_Part], whole: Builder, *, keep: bool) -> pl.DataFrame:
    """The files table; each part of a split capture exported into a folder of its own."""

    def collect(place: Path, shard: split.Shard | None) -> pl.DataFrame:
        own = pl.DataFrame({"frame": shard.frames + 1}).cast(pl.UInt32) if shard is not None else None
        tables = [
            rows if own is None else rows.join(own, on="frame", how="semi", maintain_order="left")
            for rows in (
                whole.family("http"),
                whole.family("smb"),
                whole.family("ftp"),
                whole.family("misc"),
                whole.packets(),
            )
        ]
        return objects.collect(place, *tables, keep=keep)

    if len(parts) == 1:
        return collect(folder, None)
    made = pl.concat([collect(folder / str(place), part.shard) for place, part in enumerate(parts)])
    return made.sort("frame", nulls_last=True, maintain_order=True)


def _commands(passes: list[dissect.Pass], path: Path) -> list[tuple[str, list[str]]]:
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
