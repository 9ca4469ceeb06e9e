"""What the file itself says beside tshark's rows: payload bytes, certificates, carried files. All of it as tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from tshark_report.capture.check import CaptureFile

from tshark_report.capture import handshakes, objects, payload, split
from tshark_report.capture.job import EXPORT_LIMIT
from tshark_report.capture.passes import Part
from tshark_report.tables.read import Builder
from tshark_report.tables.tables import Tables, from_builder

AT_ONCE = range(20_000, 400_000)
"""Packets of a capture of which tables are derived at the same time: of fewer it saves nothing, and of more the memory
that both take at once counts for more than the time."""


def completed(
    capture: CaptureFile,
    builder: Builder,
    parts: list[Part],
    hits: payload.Hits | None,
    folder: Path,
    *,
    keep: bool,
    alone: bool = False,
) -> Tables:
    """The tables of a capture whose rows were read; `hits` are those of `payload.search`.

    With `keep` the files that tshark exported into `folder` stay there; with `alone` it exported none, since it took
    too long to put together what several packets carry.
    """
    packets, link_types = builder.packets(), tuple(capture.link_types)
    # Of a large capture only when the bytes have been looked through: both at once need more memory.
    tables = from_builder(builder, link_types) if packets.height in AT_ONCE else None
    made: dict[str, pl.DataFrame] = {}
    not_made: dict[str, str] = {}
    certificates = None
    with ThreadPoolExecutor(1) as pool:
        # Native code on other tables, while the file's bytes are looked through. Where it fails, it fails again in
        # the rule that asks for such a table, which then says so.
        deriving = pool.submit(tables.derive) if tables is not None else None
        if capture.frames is None:
            not_made |= dict.fromkeys(
                ("openings", "signatures"), f"payload bytes are read from pcap and pcapng, not from {capture.file_type}"
            )
        else:
            sides = payload.read(capture.path, capture.frames, packets, hits)
            made |= {"openings": sides.openings, "signatures": sides.signatures}
            certificates = handshakes.certificates(
                capture.path, capture.frames, packets, builder.family("certificates")
            )
        made["files"] = _exported(folder, parts, builder, keep=keep)
        if capture.path.stat().st_size > EXPORT_LIMIT:
            not_made["files"] = f"files are exported from captures up to {EXPORT_LIMIT // 1024**2} MB"
        if alone:
            not_made["files"] = "tshark took too long to put together what several packets carry"
        if deriving is not None:
            deriving.exception()
    tables = tables or from_builder(builder, link_types)
    return tables.completed(certificates=certificates, not_made=not_made, **made)


def _exported(folder: Path, parts: list[Part], whole: Builder, *, keep: bool) -> pl.DataFrame:
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
