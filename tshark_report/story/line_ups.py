"""The packets behind a starting point, put under each other so that the eye finds the odd one."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from tshark_report.report.model import LineUp
from tshark_report.story.findings import Fired
from tshark_report.tables import columns
from tshark_report.tables.lineup import line_up
from tshark_report.tables.tables import Tables

PACKETS = 24
AROUND = 10
"""Packets of the same stream that are shown before and after a finding of a single packet."""
MOST_COLUMNS = 12

IN_PACKETS: dict[str, str] = {
    "eth.src": "eth_src",
    "eth.dst": "eth_dst",
    "ip.src": "src",
    "ip.dst": "dst",
    "ipv6.src": "src",
    "ipv6.dst": "dst",
    "tcp.srcport": "src_port",
    "udp.srcport": "src_port",
    "tcp.dstport": "dst_port",
    "udp.dstport": "dst_port",
    "ip.ttl": "ttl",
    "ipv6.hlim": "ttl",
    "ip.id": "ip_id",
    "ip.flags": "ip_flags",
    "ip.frag_offset": "fragment_offset",
    "ip.len": "ip_length",
    "frame.len": "length",
    "frame.protocols": "protocols",
    "tcp.flags": "flags",
    "tcp.seq_raw": "seq",
    "tcp.ack_raw": "ack",
    "tcp.len": "payload",
    "tcp.window_size": "window",
    "tcp.window_size_value": "window",
}
"""tshark fields by the column of the packets table that holds them."""

USUAL = (
    "src",
    "dst",
    "src_port",
    "dst_port",
    "protocol",
    "length",
    "ttl",
    "ip_id",
    "flags",
    "seq",
    "payload",
    "window",
)

HEADINGS: dict[str, str] = {
    "interval": "interval s", "src": "source", "dst": "destination", "src_port": "src port", "dst_port": "dst port",
    "ttl": "TTL", "ip_id": "IP ID", "ip_flags": "IP flags", "fragment_offset": "frag offset", "ip_length": "IP length",
    "seq": "sequence", "ack": "acknowledged", "eth_src": "source MAC", "eth_dst": "destination MAC",
}  # fmt: skip


@lru_cache(maxsize=1)
def _in_families() -> dict[str, tuple[str, str]]:
    """Fields of tshark by the family table and column that hold them."""
    return {
        field: (family.name, column.name)
        for family in columns.FAMILIES
        for column in family.columns
        for field in column.fields
    }


def line_up_for(each: Fired, tables: Tables) -> LineUp | None:
    """The packets of a finding, lined up by the fields its rule names; None where there are fewer than two.

    A finding of one packet is shown among its neighbours in the same stream.
    """
    frames = sorted(set(each.draft.frames))
    if not frames:
        return None
    shown = frames[:PACKETS]
    if len(frames) == 1:
        shown = _neighbours(frames[0], tables)
    rows = tables.packets.filter(pl.col("frame").is_in(shown)).with_columns(
        pl.col("time").diff().round(6).alias("interval")
    )
    if rows.height < 2:
        return None
    rows, wanted = _with_fields(rows, each.draft.line_up, tables)
    present = [name for name in dict.fromkeys(["interval", *wanted]) if rows[name].drop_nulls().len() > 0]
    total = len(frames) if len(frames) > 1 else rows.height
    return line_up(rows, present[:MOST_COLUMNS], names=HEADINGS, sender="src", total=total)


def _neighbours(frame: int, tables: Tables) -> list[int]:
    own = tables.packets.filter(pl.col("frame") == frame)
    if own.is_empty() or own["stream"][0] is None:
        return [frame]
    stream, transport = own["stream"][0], own["transport"][0]
    numbers = tables.packets.filter((pl.col("stream") == stream) & (pl.col("transport") == transport))[
        "frame"
    ].to_list()
    place = numbers.index(frame)
    return numbers[max(0, place - AROUND) : place + AROUND + 1]


def _with_fields(rows: pl.DataFrame, fields: tuple[str, ...], tables: Tables) -> tuple[pl.DataFrame, list[str]]:
    """`rows` with a column for each field that the tables hold, and the columns to show."""
    if not fields:
        return rows, list(USUAL)
    wanted: list[str] = ["src"]
    for field in fields:
        if field in IN_PACKETS:
            wanted.append(IN_PACKETS[field])
        elif field in _in_families():
            family, name = _in_families()[field]
            values = tables.family(family).select("frame", pl.col(name).alias(field)).unique("frame", keep="first")
            if values.schema[field].base_type() == pl.List:
                values = values.with_columns(pl.col(field).cast(pl.List(pl.String)).list.join(","))
            if field not in rows.columns:
                rows = rows.join(values, on="frame", how="left", maintain_order="left")
            wanted.append(field)
    if len(wanted) < 4:
        wanted += [name for name in USUAL if name not in wanted]
    return rows, wanted
