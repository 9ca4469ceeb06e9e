"""Wireshark's own views, computed to the byte from the packets: conversations, endpoints, ports, traffic over time.

tshark's own conversation tap prints rounded bytes in some versions, so it is not the
source but the cross-check: `tables.taps` reads it, and the report says that both agree.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from tshark_report.tables.tables import Tables

KINDS = ("ethernet", "ipv4", "ipv6", "tcp", "udp")

LINE_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "length": pl.UInt32(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "stream": pl.UInt32(),
}

_NONE = {
    "src_port": pl.lit(None, dtype=pl.UInt16),
    "dst_port": pl.lit(None, dtype=pl.UInt16),
    "stream": pl.lit(None, dtype=pl.UInt32),
}


def lines(tables: Tables, kind: str) -> pl.DataFrame:
    """One row for each layer of `kind` that a packet has: a tunnelled packet counts in both conversations.

    Columns as in LINE_SCHEMA; ports and stream are null below TCP and UDP.
    """
    layers = tables.layers
    layer = {"ethernet": "eth", "ipv4": "ip", "ipv6": "ipv6"}.get(kind, kind)
    own = layers.filter(pl.col("layer") == layer).select(*LINE_SCHEMA)
    # Lazy, so that only the few columns that are asked for are copied. Packets with layers of their own count by those.
    plain = tables.packets.lazy()
    if layers.height:
        plain = plain.filter(~pl.col("frame").is_in(layers["frame"].unique().implode()))
    if kind == "ethernet":
        framed = pl.col("eth_src").is_not_null() & _speaks_ethernet()
        rows = plain.filter(framed).select(
            "frame", "time", "length", pl.col("eth_src").alias("src"), pl.col("eth_dst").alias("dst"),
            *(e.alias(n) for n, e in _NONE.items()),
        )  # fmt: skip
    elif kind in ("ipv4", "ipv6"):
        colon = pl.col("src").str.contains(":", literal=True)
        rows = plain.filter(pl.col("src").is_not_null() & (colon if kind == "ipv6" else ~colon)).select(
            "frame", "time", "length", "src", "dst", *(e.alias(n) for n, e in _NONE.items())
        )
    else:
        whole = pl.col("src_port").is_not_null() & pl.col("dst_port").is_not_null()
        if kind == "tcp":
            # A TCP header that breaks off has no flags; tshark counts no conversation for it either.
            whole &= pl.col("flags").is_not_null()
        rows = plain.filter((pl.col("transport") == kind) & pl.col("src").is_not_null() & whole).select(*LINE_SCHEMA)
    made = rows.select(*LINE_SCHEMA).filter(pl.col("src").is_not_null() & pl.col("dst").is_not_null()).collect()
    return pl.concat([made, own.filter(pl.col("src").is_not_null() & pl.col("dst").is_not_null())])


def _speaks_ethernet() -> pl.Expr:
    """`eth` is one of the layers; plain comparisons, as a regular expression takes three times as long."""
    layers = pl.col("protocols")
    inside = layers.str.starts_with("eth:") | layers.str.contains(":eth:", literal=True)
    return inside | layers.str.ends_with(":eth") | (layers == "eth")


def _one_way(tables: Tables, kind: str) -> pl.DataFrame:
    """What went one way between two ends, worked out once: both conversations and endpoints are sums of it.

    Columns: src, dst, src_port, dst_port, stream, packets, bytes, first_time, last_time, first_frame.
    """
    kept: pl.DataFrame | None = tables.kept.get(("one way", kind))
    if kept is None:
        ends = ["src", "dst", "src_port", "dst_port", "stream"]
        kept = tables.kept["one way", kind] = (
            lines(tables, kind)
            # One number for the five: grouping by text and numbers together costs twice as much.
            .group_by(pl.struct(ends).hash().alias("ends"))
            .agg(
                pl.col(ends).first(),
                pl.len().cast(pl.UInt64).alias("packets"),
                pl.col("length").cast(pl.UInt64).sum().alias("bytes"),  # 32 bits would wrap at 4 GiB
                pl.col("time").min().alias("first_time"),
                pl.col("time").max().alias("last_time"),
                pl.col("frame").min().alias("first_frame"),
            )
            .drop("ends")
            .sort("first_frame", "src")
        )
    return kept


def conversations(tables: Tables, kind: str) -> pl.DataFrame:
    """Conversations of one kind, largest first.

    Columns: a, a_port, b, b_port, stream, packets, bytes, packets_ab, bytes_ab, packets_ba, bytes_ba, first_time,
    seconds, first_frame. A is the side that sent first. TCP and UDP conversations are streams, as in tshark.
    """
    kept: pl.DataFrame | None = tables.kept.get(("conversations", kind))
    if kept is None:
        kept = tables.kept["conversations", kind] = _conversations(_one_way(tables, kind), kind)
    return kept


def _conversations(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    ported = kind in ("tcp", "udp")
    forward = (pl.col("src") < pl.col("dst")) | (
        (pl.col("src") == pl.col("dst")) & (pl.col("src_port") <= pl.col("dst_port"))
    )
    if not ported:
        forward = pl.col("src") <= pl.col("dst")
    rows = rows.with_columns(
        forward.alias("f"),
        pl.when(forward).then("src").otherwise("dst").alias("x"),
        pl.when(forward).then("dst").otherwise("src").alias("y"),
        pl.when(forward).then("src_port").otherwise("dst_port").alias("xp"),
        pl.when(forward).then("dst_port").otherwise("src_port").alias("yp"),
    )
    keys = ["x", "y", "xp", "yp", "stream"] if ported else ["x", "y"]
    made = rows.group_by(keys, maintain_order=True).agg(
        pl.col("packets").sum(),
        pl.col("bytes").sum(),
        pl.col("packets").filter("f").sum().alias("packets_xy"),
        pl.col("bytes").filter("f").sum().alias("bytes_xy"),
        pl.col("f").first().alias("x_first"),
        pl.col("first_time").min(),
        (pl.col("last_time").max() - pl.col("first_time").min()).alias("seconds"),
        pl.col("first_frame").min(),
    )
    x = pl.col("x_first")
    absent = pl.lit(None, dtype=pl.UInt16)
    xp, yp = (pl.col("xp"), pl.col("yp")) if ported else (absent, absent)
    return made.select(
        pl.when(x).then("x").otherwise("y").alias("a"),
        pl.when(x).then(xp).otherwise(yp).alias("a_port"),
        pl.when(x).then("y").otherwise("x").alias("b"),
        pl.when(x).then(yp).otherwise(xp).alias("b_port"),
        pl.col("stream") if ported else pl.lit(None, dtype=pl.UInt32).alias("stream"),
        "packets",
        "bytes",
        pl.when(x).then("packets_xy").otherwise(pl.col("packets") - pl.col("packets_xy")).alias("packets_ab"),
        pl.when(x).then("bytes_xy").otherwise(pl.col("bytes") - pl.col("bytes_xy")).alias("bytes_ab"),
        pl.when(x).then(pl.col("packets") - pl.col("packets_xy")).otherwise("packets_xy").alias("packets_ba"),
        pl.when(x).then(pl.col("bytes") - pl.col("bytes_xy")).otherwise("bytes_xy").alias("bytes_ba"),
        "first_time",
        "seconds",
        "first_frame",
    ).sort(["bytes", "first_frame"], descending=[True, False])


def endpoints(tables: Tables, kind: str) -> pl.DataFrame:
    """Endpoints of one kind, largest first.

    Columns: address, port, packets, bytes, packets_sent, bytes_sent, packets_received, bytes_received. A packet from an
    endpoint to itself counts once in `packets` and in both directions, as in tshark.
    """
    rows = _one_way(tables, kind)
    ported = kind in ("tcp", "udp")
    keys = ["address", "port"] if ported else ["address"]

    def side(name: str, what: str) -> pl.DataFrame:
        columns = [pl.col(name).alias("address"), "packets", "bytes"]
        if ported:
            columns.insert(1, pl.col(f"{name}_port").alias("port"))
        return (
            rows.select(columns)
            .group_by(keys)
            .agg(
                pl.col("packets").sum().alias(f"packets_{what}"),
                pl.col("bytes").sum().alias(f"bytes_{what}"),
            )
        )

    both = side("src", "sent").join(side("dst", "received"), on=keys, how="full", coalesce=True)
    numbers = [pl.col(f"{n}_{w}").fill_null(0) for n in ("packets", "bytes") for w in ("sent", "received")]
    both = both.with_columns(numbers).with_columns(
        (pl.col("packets_sent") + pl.col("packets_received")).alias("packets"),
        (pl.col("bytes_sent") + pl.col("bytes_received")).alias("bytes"),
    )
    port = pl.col("port") if ported else pl.lit(None, dtype=pl.UInt16).alias("port")
    return both.select(
        "address", port, "packets", "bytes", "packets_sent", "bytes_sent", "packets_received", "bytes_received"
    ).sort(["bytes", "address", *(["port"] if ported else [])], descending=[True, False, *([False] if ported else [])])


def ports(tables: Tables) -> pl.DataFrame:
    """Server ports of TCP sessions and UDP flows, by packets.

    Columns: protocol, port, conversations, clients, servers, packets, bytes.
    """
    made = []
    for kind, rows in (("tcp", tables.tcp_sessions), ("udp", tables.udp_flows)):
        made.append(
            rows.filter(pl.col("server_port").is_not_null())  # a header that is cut within may have no port
            .group_by("server_port")
            .agg(
                pl.len().alias("conversations"),
                pl.col("client").n_unique().alias("clients"),
                pl.col("server").n_unique().alias("servers"),
                pl.col("packets").sum().cast(pl.UInt64).alias("packets"),
                pl.col("bytes").sum().cast(pl.UInt64).alias("bytes"),
            )
            .select(
                pl.lit(kind).alias("protocol"),
                pl.col("server_port").alias("port"),
                "conversations",
                "clients",
                "servers",
                "packets",
                "bytes",
            )  # fmt: skip
        )
    return pl.concat(made).sort(["packets", "port"], descending=[True, False])


def traffic(
    tables: Tables, buckets: int, series: int
) -> tuple[float, float, Mapping[str, tuple[list[int], list[int]]]]:
    """Packets and bytes over time in at most `buckets` equal parts, for the `series` protocols with most bytes.

    Returns the start (seconds since 1970), the width of a part in seconds, and for each protocol its packets and bytes.
    The rest stands under `other`. A capture that spans months has wide parts, never more of them.
    """
    packets = tables.packets
    if packets.is_empty():
        return 0.0, 1.0, {}
    start, seconds = tables.first_time, tables.seconds
    width = seconds / buckets if seconds > 0 else 1.0
    # One pass over the packets; which protocols are the largest is then told from the few parts.
    every = (
        packets.select(
            ((pl.col("time") - start) / width).floor().cast(pl.Int64).clip(0, buckets - 1).alias("part"),
            pl.col("protocol").cast(pl.Categorical),
            pl.col("length").cast(pl.Int64),
        )
        .group_by("protocol", "part")
        .agg(pl.len().alias("packets"), pl.col("length").sum().alias("bytes"))
        .with_columns(pl.col("protocol").cast(pl.String))
    )
    totals = every.group_by("protocol").agg(pl.col("bytes").sum())
    top = totals.sort(["bytes", "protocol"], descending=[True, False])["protocol"].to_list()[:series]
    named = pl.when(pl.col("protocol").is_in(top)).then("protocol").otherwise(pl.lit("other"))
    rows = every.group_by(named.alias("protocol"), "part").agg(pl.col("packets", "bytes").sum())
    used = buckets if seconds > 0 else 1
    made: dict[str, tuple[list[int], list[int]]] = {}
    for name in [*top, "other"]:
        own = rows.filter(pl.col("protocol").eq_missing(pl.lit(name)))  # a damaged packet may have none
        if own.is_empty():
            continue
        counts, sizes = [0] * used, [0] * used
        for part, number, length in own.select("part", "packets", "bytes").iter_rows():
            place = min(part, used - 1)
            counts[place], sizes[place] = counts[place] + number, sizes[place] + length
        made[name] = (counts, sizes)
    return start, width, made
