"""A capture file in, tables out: the check, the tshark pass, and what is read beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import polars as pl

from tshark_report.capture import check, dissect, handshakes, objects, payload, split
from tshark_report.capture.dissect import Options
from tshark_report.capture.tshark import Tshark, known_fields
from tshark_report.errors import CaptureUnreadable, TsharkFailed
from tshark_report.tables import columns
from tshark_report.tables.merge import merged
from tshark_report.tables.read import Builder
from tshark_report.tables.tables import Tables, from_builder

BASE_SECONDS = 120.0
SECONDS_PER_MB = 4.0
"""Deadline of a pass: tshark reads 10 to 30 MB a second; the slowest dissector seen (VNC) needed 8 s for a MB."""

EXPORT_LIMIT = 200 * 1024 * 1024
"""Bytes of capture up to which carried files are exported in the same pass; tshark keeps all of them in memory."""

WAIT_FOR_FRAMES = 4_000_000
"""Bytes of capture up to which the framing, read within milliseconds, is waited for: it says how many rows must come."""

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


def deadline(file_bytes: int) -> float:
    """Seconds that a pass over a file may take."""
    return BASE_SECONDS + SECONDS_PER_MB * file_bytes / 1e6


def load(
    path: Path,
    tshark: Tshark,
    scratch: Path,
    env: dict[str, str],
    options: Options,
    *,
    timeout: float | None = None,
    jobs: int | None = None,
    progress: Progress = lambda _what, _share: None,
) -> Loaded:
    """Read a capture, with as many tsharks at once as `jobs` says (None: as there are processors).

    Raises:
        CaptureUnreadable: not a capture, or no packet in it.
        FilterRejected: tshark does not accept the options.
        TsharkFailed: tshark was killed, hung or gave nothing.
    """
    started = time.monotonic()
    limit = timeout or deadline(path.stat().st_size if path.exists() else 0)
    with ThreadPoolExecutor(3) as pool:
        progress("checking the file", 0.0)
        capture, background = check.begin(tshark, path, scratch, env, limit, pool)
        known = known_fields(tshark, columns.all_fields(), env)
        reading = _Reading(tshark, capture.path, known, env, options, limit)
        builders, passes = _read(capture, background, reading, scratch, jobs or os.cpu_count() or 1, progress)
        info = background.info.result()
        capture.sha256 = background.hash.result()
        capture.frames = background.frames.result()
    check.accept(capture, info)
    builder = merged(builders)
    taken = builder.packets().height
    if capture.frames is not None:
        capture.truncated = capture.truncated or capture.frames.truncated
        capture.snap_cut = sum(
            1 for got, wire in zip(capture.frames.captured, capture.frames.wire, strict=True) if got < wire
        )
    capture.packets = capture.packets or taken
    capture.truncated = capture.truncated or any(p.truncated for p in passes)
    capture.warnings += [note for p in passes for note in p.notes]
    if capture.packets == 0:
        raise CaptureUnreadable(
            "there is no packet in this capture",
            detail=f"{capture.original}: a valid {capture.file_type or 'capture'} header and nothing behind it",
            causes=("the capture filter let nothing through", "the capture was stopped at once"),
            next_step=f"capinfos {capture.original}",
        )
    progress("looking into payloads", 0.9)
    not_made: dict[str, str] = {}
    packets = builder.packets()
    sides = payload.read(capture.path, capture.frames, packets) if capture.frames is not None else None
    if sides is None:
        not_made |= dict.fromkeys(
            ("openings", "signatures"), f"payload bytes are read from pcap and pcapng, not from {capture.file_type}"
        )
    if capture.frames is not None:
        builder.replace(
            "certificates",
            handshakes.certificates(capture.path, capture.frames, packets, builder.family("certificates")),
        )
    exported = _exported(scratch / "objects", builders, builder)
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
    return Loaded(capture, tables, [p.taps for p in passes if p.taps], commands, time.monotonic() - started)


@dataclass(frozen=True)
class _Reading:
    """What every pass over this capture needs."""

    tshark: Tshark
    path: Path
    known: frozenset[str]
    env: dict[str, str]
    options: Options
    limit: float


def _read(
    capture: check.CaptureFile,
    background: check.Background,
    reading: _Reading,
    scratch: Path,
    jobs: int,
    progress: Progress,
) -> tuple[list[Builder], list[dissect.Pass]]:
    """Rows of the capture: the fast layout, then the full one for the packets that need it, or for all of them."""
    size = capture.path.stat().st_size
    export = scratch / "objects" if size <= EXPORT_LIMIT and not reading.options.display_filter else None
    if reading.options.display_filter:
        # The number of rows is not known beforehand, so that a forged row would not be noticed: -T fields escapes.
        progress("tshark reads the packets", 0.05)
        return _all_by_fields(reading, export)
    frames = background.frames.result() if size < WAIT_FOR_FRAMES or jobs > 1 else None
    shards = split.plan(capture.path, frames, jobs) if frames is not None else None
    progress("tshark reads the packets", 0.05)
    try:
        if shards is None or frames is None:
            builder = Builder(reading.known)
            passes = _fast(reading, builder, len(frames) if frames is not None else None, export, None)
            return [builder], passes
        feeds = [split.feeder(capture.path, frames, shard) for shard in shards]
        builders = [Builder(reading.known, frame_map=shard.numbers()) for shard in shards]
        with ThreadPoolExecutor(jobs) as pool:
            work = [
                pool.submit(_fast, reading, builder, len(shard.frames), _part(export, place), feed)
                for place, (builder, shard, feed) in enumerate(zip(builders, shards, feeds, strict=True))
            ]
            return builders, [p for future in work for p in future.result()]
    except dissect.Forged:
        capture.warnings.append(
            "a packet holds text that imitates tshark's own output; the capture was read by escaped fields"
        )
        return _all_by_fields(reading, export)


def _part(export: Path | None, place: int) -> Path | None:
    if export is None:
        return None
    folder = export / str(place)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _all_by_fields(reading: _Reading, export: Path | None) -> tuple[list[Builder], list[dissect.Pass]]:
    builder = Builder(reading.known)
    made = dissect.dissect(
        reading.tshark, reading.path, builder.full_layout(), builder.add_full, expected=None, options=reading.options,
        env=reading.env, timeout=reading.limit, objects=export,
    )  # fmt: skip
    return [builder], [made]


def _fast(
    reading: _Reading,
    builder: Builder,
    expected: int | None,
    export: Path | None,
    feed: Callable[[IO[bytes]], None] | None,
) -> list[dissect.Pass]:
    """One tshark over the capture or one shard of it, and a second one for what needs the full layout."""
    first = dissect.dissect(
        reading.tshark, reading.path, builder.fast_layout(), builder.add, expected=expected, options=reading.options,
        env=reading.env, timeout=reading.limit, objects=export, feed=feed,
    )  # fmt: skip
    if not _in_order(builder):
        raise dissect.Forged("frame numbers are not 1, 2, 3, ...")
    again = builder.again()
    if again is None:
        return [first]
    if again == "":
        builder.forget()
    given = reading.options
    narrowed = Options(again, given.keylog, given.decode_as, given.preferences, given.profile)
    second = dissect.dissect(
        reading.tshark, reading.path, builder.full_layout(), builder.add_full, expected=None, options=narrowed,
        env=reading.env, timeout=reading.limit, taps=(), feed=feed,
    )  # fmt: skip
    if again and second.rows != sum(builder.odd.values()):
        raise TsharkFailed(
            "tshark gave two different answers about the same capture",
            detail=f"{sum(builder.odd.values())} packets needed a second look, {second.rows} came",
            causes=("the file changed while it was read",),
            next_step="run the report again",
        )
    return [first, second]


def _exported(folder: Path, parts: list[Builder], whole: Builder) -> pl.DataFrame:
    """The files table; each part of a split capture exported into a folder of its own."""

    def collect(place: Path, part: Builder) -> pl.DataFrame:
        own = part.packets().select("frame") if len(parts) > 1 else None
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
        return objects.collect(place, *tables)

    if len(parts) == 1:
        return collect(folder, parts[0])
    made = pl.concat([collect(folder / str(place), part) for place, part in enumerate(parts)])
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
