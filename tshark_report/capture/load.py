"""A capture file in, tables out: the check, the tshark pass, and what is read beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from tshark_report.tables.tables import Tables

from tshark_report.capture import check, survive
from tshark_report.capture.deadlines import deadline
from tshark_report.capture.dissect import Options
from tshark_report.capture.early import Early
from tshark_report.capture.job import Job
from tshark_report.capture.tshark import Tshark, known_fields
from tshark_report.tables import columns

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
    preferences: tuple[str, ...] = ()
    """What tshark was told beyond what the user says, and must be told again to see the same packets."""


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
    with ThreadPoolExecutor(3) as pool, Early() as early:
        progress("checking the file", 0.0)
        capture, background = check.begin(tshark, path, scratch, env, limit, pool)
        known = known_fields(tshark, columns.all_fields(), env)
        processors = jobs or os.cpu_count() or 1

        def job() -> Job:
            told = replace(options, preferences=(*options.preferences, *case.preferences))
            size = capture.path.stat().st_size
            return Job(
                tshark, capture.path, size, known, env, told, case.seconds, scratch / "objects", processors, early,
                alone=bool(case.preferences),
            )  # fmt: skip

        case = survive.Case(tshark, capture, background, scratch, env, limit, pool)
        survive.bounded(case)
        begun = job()
        begun.begin(background.frames.result() if begun.waits_for_frames else None)
        # Only now, and while tshark starts: they load the library that holds the tables.
        from tshark_report.capture import beside, passes, payload
        from tshark_report.tables.merge import merged

        def read(ground: check.Background) -> tuple[list[passes.Part], npt.NDArray[np.uint64] | None]:
            now = job()  # another one where the capture was mended
            return passes.read(begun if now == begun else now, capture, ground, progress)

        searched, hunting = capture.path, pool.submit(payload.search, capture.path)
        (parts, keys), background = survive.reading(read, case)
        info = background.info.result()
        capture.sha256 = background.hash.result()
        capture.frames = background.frames.result()
        hits = hunting.result() if capture.path == searched and capture.frames is not None else None
    check.accept(capture, info)
    builder = merged([b for part in parts for b in part.builders])
    made = [p for part in parts for p in part.passes]
    taken = builder.packets().height
    if capture.frames is not None:
        capture.truncated = capture.truncated or capture.frames.truncated
        capture.snap_cut = sum(
            1 for got, wire in zip(capture.frames.captured, capture.frames.wire, strict=True) if got < wire
        )
        capture.snap_cut = max(0, capture.snap_cut - case.trimmed)
    capture.packets = capture.packets or taken
    if not options.display_filter:
        survive.counted(capture, taken)
    capture.truncated = capture.truncated or any(p.truncated for p in made)
    capture.warnings += [note for p in made for note in p.notes]
    if capture.packets == 0:
        raise check.no_packet(capture)
    progress("looking into payloads", 0.9)
    alone = bool(case.preferences)
    tables = beside.completed(capture, builder, parts, hits, scratch / "objects", keep=keep_files, alone=alone)
    commands = passes.commands(made, capture.path)
    taps = [p.taps for p in made if p.taps]
    return Loaded(capture, tables, taps, commands, time.monotonic() - started, keys, builder.quoted(), case.preferences)
