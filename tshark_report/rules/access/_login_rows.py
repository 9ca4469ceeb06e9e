"""Rows of any protocol, as the readers of logins use them."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.rules.access._login import Login


def started(row: dict[str, object], protocol: str) -> Login:
    """A login whose client is the sender of this row."""
    return Login(
        protocol,
        str(row["src"] or ""),
        str(row["dst"] or ""),
        int(str(row["dst_port"] or 0)),
        None if row["stream"] is None else int(str(row["stream"])),
        float(str(row["time"])),
        transport=str(row["transport"] or "tcp"),
    )


def frame_of(row: dict[str, object]) -> int:
    """The frame number of a row."""
    return int(str(row["frame"]))


def by_stream(table: pl.DataFrame) -> Iterator[list[dict[str, object]]]:
    """The rows of each stream, in frame order."""
    streams: dict[object, list[dict[str, object]]] = {}
    for row in table.iter_rows(named=True):
        streams.setdefault(row["stream"], []).append(row)
    yield from streams.values()
