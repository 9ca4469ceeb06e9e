"""Folders of tables made without tshark: the rows that a test names, everything else empty."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from tshark_report import __version__
from tshark_report.store import manifest as kept
from tshark_report.store.schema import SCHEMA_VERSION, TABLES


def rows_of(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Rows of a table; columns that are not named are null."""
    schema = TABLES[table]
    unknown = {name for row in rows for name in row} - set(schema)
    assert not unknown, unknown
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def folder(path: Path, file_name: str = "capture.pcap", sha256: str = "", **tables: list[dict[str, object]]) -> Path:
    """A whole folder of tables at `path`; the table `captures` is worked out from the packets."""
    path.mkdir(parents=True)
    frames = {name: rows_of(name, tables.pop(name, [])) for name in TABLES}
    assert not tables, tables
    sha256 = sha256 or path.name.encode().hex().ljust(64, "0")[:64]
    packets = frames["packets"]
    frames["captures"] = rows_of(
        "captures",
        [
            {
                "file_name": file_name,
                "sha256": sha256,
                "packets": packets.height,
                "first_time": packets["time"].min(),
                "last_time": packets["time"].max(),
                "filter": "",
                "headline": "Nothing here stands out.",
                "layer": "none",
            }
        ],
    )
    stored = {}
    for name, frame in frames.items():
        target = path / f"{name}.parquet"
        frame.write_parquet(target)
        stored[name] = kept.Stored(rows=frame.height, bytes=target.stat().st_size, sha256=kept.digest(target))
    made = kept.Manifest(
        format=kept.FORMAT,
        schema_version=SCHEMA_VERSION,
        tool=kept.Maker(name="tshark-report", version=__version__, tshark_version="4.0.17"),
        capture=kept.Source(file_name=file_name, sha256=sha256, file_bytes=1, file_type="pcap", packets=packets.height),
        options=kept.Asked(),
        tables=stored,
    )
    (path / kept.NAME).write_bytes(msgspec.json.encode(made))
    return path
