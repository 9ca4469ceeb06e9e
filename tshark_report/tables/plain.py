"""Packets whose layers are plain from `frame.protocols`: the shared columns of the fast layout taken apart."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from tshark_report.tables.layers import Chain
from tshark_report.tables.schema import PACKET_SCHEMA
from tshark_report.tables.values import MAC

IPV4 = r"^\d{1,3}(?:\.\d{1,3}){3}$"


def _by_chain(chains: dict[str | None, Chain], value: Callable[[Chain], str | None]) -> pl.Expr:
    """For each packet what its chain of layers says."""
    known = {text: value(c) for text, c in chains.items() if text is not None}
    return pl.col("protocols").replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)


def beside(raw: pl.DataFrame, headers: pl.DataFrame, chains: dict[str | None, Chain]) -> pl.DataFrame:
    """Rows of the lean layout with the headers of their frames; `agreed` where tshark names the same layers."""

    def network(c: Chain) -> str | None:
        return c.networks[-1].kind if c.networks and c.networks[-1].kind != "arp" else None

    own = headers.select(pl.all().gather(pl.lit(raw["frame"].cast(pl.Int64) - 1)))
    return pl.concat([raw, own], how="horizontal").with_columns(
        _by_chain(chains, lambda c: c.transport).alias("transport"),
        (
            pl.col("plain")
            & pl.col("network").eq_missing(_by_chain(chains, network))
            & pl.col("flow").eq_missing(_by_chain(chains, lambda c: c.flows[-1].kind if c.flows else None))
        )
        .fill_null(value=False)
        .alias("agreed"),
    )


def completed(raw: pl.DataFrame) -> pl.DataFrame:
    """Packets of the lean layout, of which tshark and the headers agree."""
    stream = pl.col("stream_pack").str.splitn(",", 2).struct
    four, moving = pl.col("network") == "ip", pl.col("flow").is_in(["tcp", "udp"])
    return raw.select(
        "frame", "time", "length", "protocol", "protocols", "eth_src", "eth_dst", "src", "dst", "src_port", "dst_port",
        pl.when(moving).then(stream.field("field_0").cast(pl.UInt32, strict=False)).alias("stream"),
        "transport", "ttl", "ip_id", "ip_flags",
        pl.when(four).then(pl.lit(0, dtype=pl.UInt32)).alias("fragment_offset"),
        pl.when(four).then(pl.lit(value=False)).alias("more_fragments"),
        "ip_length", "flags", "seq", "ack", "payload",
        pl.when(pl.col("flow") == "tcp").then(stream.field("field_1").cast(pl.UInt32, strict=False)).alias("window"),
    ).select(*PACKET_SCHEMA)  # fmt: skip


def unpacked(raw: pl.DataFrame, chains: dict[str | None, Chain]) -> pl.DataFrame:
    """Transport and network packs as columns of their own. Only packets with one layer of each kind come here."""
    raw = raw.with_columns(
        _by_chain(chains, lambda c: c.transport).alias("transport"),
        _by_chain(chains, lambda c: c.networks[-1].kind if c.networks else None).alias("network"),
        _by_chain(chains, lambda c: c.flows[-1].kind if c.flows else None).alias("flow"),
    )
    tcp, udp = pl.col("flow") == "tcp", pl.col("flow") == "udp"
    ip4, ip6 = pl.col("network") == "ip", pl.col("network") == "ipv6"
    transport = pl.col("transport_pack").str.splitn(",", 6).struct
    network = pl.col("network_pack").str.splitn(",", 5).struct
    # A damaged TCP header lacks some of the six, so that the others stand in the wrong place: then none is taken.
    whole = udp | (pl.col("transport_pack").str.count_matches(",", literal=True) == 5)
    t = [pl.when(whole | (i == 0)).then(transport.field(f"field_{i}")) for i in range(6)]
    commas = pl.col("network_pack").str.count_matches(",", literal=True)
    complete = (ip4 & (commas == 4)) | (ip6 & commas.is_in([1, 3]))
    n = [pl.when(complete).then(network.field(f"field_{i}")) for i in range(5)]
    addressed = ip4 | ip6

    def address(name: str) -> pl.Expr:
        # Where the header breaks off before its addresses, the column holds those of another layer.
        text = pl.col(name).str.strip_chars()
        good = (ip4 & text.str.contains(IPV4)) | (ip6 & text.str.contains(":", literal=True) & ~text.str.contains(MAC))
        return pl.when(good).then(text).alias(name)

    return raw.with_columns(
        address("src"),
        address("dst"),
        pl.when(pl.col("transport").is_in(["tcp", "udp", "sctp"]))
        .then(pl.col("src_port").str.strip_chars())
        .alias("src_port"),
        pl.when(pl.col("transport").is_in(["tcp", "udp", "sctp"]))
        .then(pl.col("dst_port").str.strip_chars())
        .alias("dst_port"),
        pl.when(tcp | udp).then(t[0]).alias("stream"),
        pl.when(tcp).then(t[1]).alias("flags"),
        pl.when(tcp).then(t[2]).alias("seq"),
        pl.when(tcp).then(t[3]).alias("ack"),
        pl.when(tcp).then(t[4]).when(udp).then(t[1]).alias("payload"),
        pl.when(tcp).then(t[5]).alias("window"),
        pl.when(addressed).then(n[0]).alias("ttl"),
        pl.when(ip4).then(n[1]).alias("ip_id"),
        pl.when(ip4).then(n[2]).alias("ip_flags"),
        pl.when(ip4).then(n[3]).when(ip6).then(n[2]).alias("fragment_offset"),
        pl.when(ip4).then(n[4]).when(ip6).then(n[1]).alias("ip_length"),
        pl.when(ip6).then(n[3]).alias("more_fragments"),
    )
