"""Columns of the packets, layers, expert and family tables."""

from __future__ import annotations

import polars as pl

from tshark_report.tables import columns as col

BASE = ("frame", "time", "length", "protocol", "src", "dst", "src_port", "dst_port", "stream", "transport")
"""Columns that every family table has in front of its own."""


PACKET_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "length": pl.UInt32(),
    "protocol": pl.String(),
    "protocols": pl.String(),
    "eth_src": pl.String(),
    "eth_dst": pl.String(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "stream": pl.UInt32(),
    "transport": pl.String(),
    "ttl": pl.UInt8(),
    "ip_id": pl.UInt16(),
    "ip_flags": pl.UInt8(),
    "fragment_offset": pl.UInt32(),
    "more_fragments": pl.Boolean(),
    "ip_length": pl.UInt32(),
    "flags": pl.UInt16(),
    "seq": pl.UInt32(),
    "ack": pl.UInt32(),
    "payload": pl.UInt32(),
    "window": pl.UInt32(),
}
"""The packets table. `time` is seconds since 1970 UTC, exact to the microsecond until the year 2106;
`length` is bytes on the wire; addresses, ports, ttl and ip_id are the innermost layer's; `payload` is the
bytes that TCP or UDP carried; `stream` is tshark's tcp.stream or udp.stream; `window` is scaled."""


LAYER_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "length": pl.UInt32(),
    "layer": pl.String(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "stream": pl.UInt32(),
}
"""One row for each link, network and transport layer of packets that have more than one of a kind."""


def dtype_of(column: col.Column) -> pl.DataType:
    """The Polars type of a column."""
    return {
        "text": pl.String(),
        "int": pl.Int64(),
        "hex": pl.Int64(),
        "float": pl.Float64(),
        "bool": pl.Boolean(),
        "texts": pl.List(pl.String()),
        "ints": pl.List(pl.Int64()),
        "hexes": pl.List(pl.Int64()),
    }[column.dtype]


BASE_SCHEMA = {name: PACKET_SCHEMA[name] for name in BASE}


FAMILY_SCHEMA: dict[str, dict[str, pl.DataType]] = {
    family.name: BASE_SCHEMA | {c.name: dtype_of(c) for c in family.columns} for family in col.FAMILIES
}


EXPERT_SCHEMA: dict[str, pl.DataType] = BASE_SCHEMA | {
    "severity": pl.String(),
    "group": pl.String(),
    "message": pl.String(),
}
"""One row for each expert item of each packet, as Wireshark shows them."""
