"""A capture file in, tables out: the check, the tshark pass, and what is read beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tshark_report.capture import check, dissect, objects, payload
from tshark_report.capture.dissect import Options
from tshark_report.capture.tshark import Tshark, known_fields
from tshark_report.errors import CaptureUnreadable, TsharkFailed
from tshark_report.tables import columns
from tshark_report.tables.read import Builder
from tshark_report.tables.tables import Tables, from_builder

BASE_SECONDS = 120.0
SECONDS_PER_MB = 4.0
"""Deadline of a pass: tshark reads 10 to 30 MB a second; the slowest dissector seen (VNC) needed 8 s for a MB."""

EXPORT_LIMIT = 200 * 1024 * 1024
"""Bytes of capture up to which carried files are exported in the same pass; tshark keeps all of them in memory."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done (0 to 1)."""


@dataclass
class Loaded:
    """A capture as tables, with what the file said and what was run."""

    capture: check.CaptureFile
    tables: Tables
    taps: str
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
    progress: Progress = lambda _what, _share: None,
) -> Loaded:
    """Read a capture.

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
        builder, passes = _read(capture, background, tshark, known, scratch, env, options, limit, progress)
        info = background.info.result()
        capture.sha256 = background.hash.result()
        capture.frames = background.frames.result()
    check.accept(capture, info)
    taken = sum(p.rows for p in passes[:1])
    if capture.frames is not None:
        capture.truncated = capture.truncated or capture.frames.truncated
        capture.snap_cut = sum(1 for got, wire in zip(capture.frames.captured, capture.frames.wire, strict=True) if got < wire)
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
        not_made |= dict.fromkeys(("openings", "signatures"), f"payload bytes are read from pcap and pcapng, not from {capture.file_type}")
    exported = objects.collect(scratch / "objects", builder.family("http"), builder.family("smb"), builder.family("ftp"),
                               builder.family("misc"), packets)
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
    commands = [("one pass: packets and statistics" if i == 0 else "packets with several layers", p.command) for i, p in enumerate(passes)]
    return Loaded(capture, tables, passes[0].taps, commands, time.monotonic() - started)


def _read(
    capture: check.CaptureFile,
    background: check.Background,
    tshark: Tshark,
    known: frozenset[str],
    scratch: Path,
    env: dict[str, str],
    options: Options,
    limit: float,
    progress: Progress,
) -> tuple[Builder, list[dissect.Pass]]:
    """Rows of the capture: the fast layout, then the full one for the packets that need it, or for all of them."""
    export = scratch / "objects" if capture.path.stat().st_size <= EXPORT_LIMIT and not options.display_filter else None
    expected: int | None = None
    if capture.path.stat().st_size < 4_000_000:
        frames = background.frames.result()
        expected = len(frames) if frames is not None else None
    progress("tshark reads the packets", 0.05)
    builder = Builder(known)
    if options.display_filter:
        # The number of rows is not known beforehand, so that a forged row would not be noticed: -T fields escapes.
        made = dissect.dissect(tshark, capture.path, builder.full_layout(), builder.add_full, expected=None, options=options,
                               env=env, timeout=limit, objects=export)  # fmt: skip
        return builder, [made]
    passes = []
    try:
        passes.append(
            dissect.dissect(tshark, capture.path, builder.fast_layout(), builder.add, expected=expected, options=options,
                            env=env, timeout=limit, objects=export)  # fmt: skip
        )
        again = builder.again()
        if not _in_order(builder):
            raise dissect.Forged("frame numbers are not 1, 2, 3, ...")  # noqa: TRY301 - same remedy as below
    except dissect.Forged:
        builder = Builder(known)
        passes = [
            dissect.dissect(tshark, capture.path, builder.full_layout(), builder.add_full, expected=None, options=options,
                            env=env, timeout=limit, objects=export)  # fmt: skip
        ]
        capture.warnings.append("a packet holds text that imitates tshark's own output; the capture was read by escaped fields")
        return builder, passes
    if again is not None:
        progress("tunnelled and quoted packets", 0.6)
        narrowed = Options(again, options.keylog, options.decode_as, options.preferences, options.profile)
        if again == "":
            builder = Builder(known)
        passes.append(
            dissect.dissect(tshark, capture.path, builder.full_layout(), builder.add_full, expected=None, options=narrowed,
                            env=env, timeout=limit, taps=())  # fmt: skip
        )
        if again and passes[-1].rows != sum(builder.odd.values()):
            raise TsharkFailed(
                "tshark gave two different answers about the same capture",
                detail=f"{sum(builder.odd.values())} packets needed a second look, {passes[-1].rows} came",
                causes=("the file changed while it was read",),
                next_step="run the report again",
            )
    return builder, passes


def _in_order(builder: Builder) -> bool:
    """Are the frames that were read 1, 2, 3, ... with only those missing that will be read again?"""
    numbers = builder.packets()["frame"]
    total = len(numbers) + sum(builder.odd.values())
    if total == 0:
        return True
    last = numbers.max()
    return not numbers.is_null().any() and numbers.n_unique() == len(numbers) and (last is None or int(last) <= total)  # type: ignore[arg-type]


