"""Packets of a stream, of a sender or of a kind, found without looking at all packets again.

Many rules ask for the packets of ten sessions one after another. In a capture of a million packets each such filter
looks at a million rows; what is put in order once (and kept with the tables) answers in a moment.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tshark_report.tables.sessions import ACK, SYN
from tshark_report.tables.tables import Tables


def of_streams(tables: Tables, transport: str, streams: Iterable[int]) -> pl.DataFrame:
    """The packets of these streams of one transport, in the order of the packets table."""
    order = _by_stream(tables, transport)
    wanted = pl.Series(sorted(set(streams)), dtype=pl.UInt32)
    first = order["stream"].search_sorted(wanted, side="left").to_list()
    end = order["stream"].search_sorted(wanted, side="right").to_list()
    rows = [order["row"][a:b] for a, b in zip(first, end, strict=True) if a < b]
    if not rows:
        return tables.packets.clear()
    return tables.packets[rows[0] if len(rows) == 1 else pl.concat(rows).sort()]


def packets(tables: Tables, condition: pl.Expr, *columns: str) -> pl.DataFrame:
    """Packets that meet a condition, with these columns only: copying all of them costs more than looking."""
    return tables.packets.lazy().filter(condition).select(columns).collect()


def _by_stream(tables: Tables, transport: str) -> pl.DataFrame:
    """The places of a transport's packets (`row`) in order of their `stream`."""
    kept: pl.DataFrame | None = tables.kept.get(("rows by stream", transport))
    if kept is None:
        rows = tables.packets.lazy().with_row_index("row").filter(pl.col("transport") == transport)
        rows = rows.filter(pl.col("stream").is_not_null()).select("stream", "row").sort("stream", maintain_order=True)
        kept = tables.kept["rows by stream", transport] = rows.collect()
    return kept


def session_starts(tables: Tables) -> pl.DataFrame:
    """TCP packets with SYN and without ACK, with all columns of the packets table."""
    kept: pl.DataFrame | None = tables.kept.get("session starts")
    if kept is None:
        asked = (pl.col("transport") == "tcp") & ((pl.col("flags") & (SYN | ACK)) == SYN)
        kept = tables.kept["session starts"] = tables.packets.filter(asked)
    return kept
