"""TCP sessions and UDP flows: one row a stream, computed from the packets table."""

from __future__ import annotations

import polars as pl

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
"""TCP flag bits (RFC 9293, section 3.1)."""

SESSION_SCHEMA: dict[str, pl.DataType] = {
    "stream": pl.UInt32(),
    "client": pl.String(),
    "client_port": pl.UInt16(),
    "server": pl.String(),
    "server_port": pl.UInt16(),
    "protocol": pl.String(),
    "start": pl.Float64(),
    "end": pl.Float64(),
    "seconds": pl.Float64(),
    "first_frame": pl.UInt32(),
    "last_frame": pl.UInt32(),
    "packets": pl.UInt32(),
    "bytes": pl.UInt64(),
    "client_packets": pl.UInt32(),
    "server_packets": pl.UInt32(),
    "client_bytes": pl.UInt64(),
    "server_bytes": pl.UInt64(),
    "client_payload": pl.UInt64(),
    "server_payload": pl.UInt64(),
    "client_payload_packets": pl.UInt32(),
    "server_payload_packets": pl.UInt32(),
    "syns": pl.UInt32(),
    "syn_acks": pl.UInt32(),
    "syn_frame": pl.UInt32(),
    "syn_time": pl.Float64(),
    "syn_ack_time": pl.Float64(),
    "ack_time": pl.Float64(),
    "client_isn": pl.UInt32(),
    "server_isn": pl.UInt32(),
    "client_fins": pl.UInt32(),
    "server_fins": pl.UInt32(),
    "client_resets": pl.UInt32(),
    "server_resets": pl.UInt32(),
    "first_reset_frame": pl.UInt32(),
    "established": pl.Boolean(),
    "refused": pl.Boolean(),
    "unanswered": pl.Boolean(),
    "rtt": pl.Float64(),
    "rtt_server": pl.Float64(),
    "rtt_client": pl.Float64(),
}
"""Columns of `tcp_sessions`. The client sent the SYN, or (where the start is not in the capture) uses the higher port.

`*_bytes` count whole frames, `*_payload` what TCP carried. `start`, `end` and the `*_time` columns are seconds since
1970 UTC. `rtt_server` is SYN to SYN/ACK (capture point to server and back), `rtt_client` SYN/ACK to the ACK that
ends the handshake, `rtt` their sum, in seconds; null where the handshake is not whole. `refused`: the only answer
to the SYN was a reset. `unanswered`: SYNs and nothing from the other side. `established`: SYN/ACK seen and then
data or an ACK from the client."""

FLOW_SCHEMA: dict[str, pl.DataType] = {
    "stream": pl.UInt32(),
    "client": pl.String(),
    "client_port": pl.UInt16(),
    "server": pl.String(),
    "server_port": pl.UInt16(),
    "protocol": pl.String(),
    "start": pl.Float64(),
    "end": pl.Float64(),
    "seconds": pl.Float64(),
    "first_frame": pl.UInt32(),
    "last_frame": pl.UInt32(),
    "packets": pl.UInt32(),
    "bytes": pl.UInt64(),
    "client_packets": pl.UInt32(),
    "server_packets": pl.UInt32(),
    "client_bytes": pl.UInt64(),
    "server_bytes": pl.UInt64(),
    "client_payload": pl.UInt64(),
    "server_payload": pl.UInt64(),
}
"""Columns of `udp_flows`. The client sent first, unless it sent from a well-known port to a higher one."""

GENERIC_PROTOCOLS = ("TCP", "UDP", "IPv4", "IPv6", "DATA")


def _application(rows: pl.DataFrame) -> pl.DataFrame:
    """For each stream the most frequent protocol that says more than `TCP` or `UDP`; null where there is none.

    Counted beside the other sums: the mode of each of many small groups takes several times as long.
    """
    specific = rows.filter(~pl.col("protocol").is_in(GENERIC_PROTOCOLS)).group_by("stream", "protocol").len()
    ordered = specific.sort("len", "protocol", descending=[True, False])
    return ordered.group_by("stream").agg(pl.col("protocol").first().alias("specific"))


def upward(rows: pl.DataFrame, ends: pl.DataFrame) -> pl.Series:
    """For each packet whether its stream's client sent it; `ends` has one row a stream."""
    near = rows.select("stream", "src", "src_port").join(
        ends.select("stream", "client", "client_port"), on="stream", how="left", maintain_order="left"
    )
    up = (pl.col("src") == pl.col("client")) & (pl.col("src_port") == pl.col("client_port"))
    return near.select(up.alias("up")).to_series()


def _tcp_ends(tcp: pl.DataFrame) -> pl.DataFrame:
    """Stream, client, client_port, server, server_port: by the SYN, else by the SYN/ACK, else by the lower port."""

    def first(rows: pl.DataFrame, **names: str) -> pl.DataFrame:
        return rows.group_by("stream").agg(pl.col(column).first().alias(name) for name, column in names.items())

    ends = first(tcp, a="src", ap="src_port", b="dst", bp="dst_port")
    asked = first(tcp.filter("syn"), syn_src="src", syn_port="src_port", syn_dst="dst", syn_dport="dst_port")
    answered = first(tcp.filter("syn_ack"), sa_client="dst", sa_cport="dst_port", sa_server="src", sa_sport="src_port")
    low = pl.col("ap") < pl.col("bp")
    return (
        ends.join(asked, on="stream", how="left")
        .join(answered, on="stream", how="left")
        .select(
            "stream",
            pl.coalesce("syn_src", "sa_client", pl.when(low).then("b").otherwise("a")).alias("client"),
            pl.coalesce("syn_port", "sa_cport", pl.when(low).then("bp").otherwise("ap")).alias("client_port"),
            pl.coalesce("syn_dst", "sa_server", pl.when(low).then("a").otherwise("b")).alias("server"),
            pl.coalesce("syn_dport", "sa_sport", pl.when(low).then("ap").otherwise("bp")).alias("server_port"),
        )
    )


def _of_transport(packets: pl.DataFrame, transport: str, *columns: str) -> pl.DataFrame:
    """Packets of streams of one transport, with only these columns: the others are not worth copying."""
    whole = (pl.col("transport") == transport) & pl.col("stream").is_not_null() & pl.col("src").is_not_null()
    shared = ("stream", "src", "src_port", "dst", "dst_port", "protocol", "time", "frame")
    chosen = packets.lazy().filter(whole).select(*shared, *columns, pl.col("length", "payload").fill_null(0))
    return chosen.with_columns(pl.col("length", "payload").cast(pl.UInt64)).collect()  # sums pass 4 GiB


def tcp_sessions(packets: pl.DataFrame) -> pl.DataFrame:
    """One row for each TCP stream, in order of the first frame; columns as in SESSION_SCHEMA."""
    tcp = _of_transport(packets, "tcp", "flags", "seq")
    if tcp.is_empty():
        return pl.DataFrame(schema=SESSION_SCHEMA)
    flags = pl.col("flags").fill_null(0)
    tcp = tcp.with_columns(
        ((flags & (SYN | ACK)) == SYN).alias("syn"),
        ((flags & (SYN | ACK)) == (SYN | ACK)).alias("syn_ack"),
        ((flags & RST) != 0).alias("rst"),
        ((flags & FIN) != 0).alias("fin"),
    )
    ends = _tcp_ends(tcp)
    tcp = tcp.with_columns(upward(tcp, ends))
    up, down = pl.col("up"), ~pl.col("up")
    acknowledged = up & ~pl.col("syn") & ((flags & ACK) != 0) & ~pl.col("rst")
    rows = tcp.group_by("stream", maintain_order=True).agg(
        pl.col("protocol").first(),
        pl.col("time").min().alias("start"),
        pl.col("time").max().alias("end"),
        pl.col("frame").first().alias("first_frame"),
        pl.col("frame").last().alias("last_frame"),
        pl.len().alias("packets"),
        pl.col("length").sum().alias("bytes"),
        up.sum().alias("client_packets"),
        down.sum().alias("server_packets"),
        (pl.col("length") * up).sum().alias("client_bytes"),
        (pl.col("length") * down).sum().alias("server_bytes"),
        (pl.col("payload") * up).sum().alias("client_payload"),
        (pl.col("payload") * down).sum().alias("server_payload"),
        (up & (pl.col("payload") > 0)).sum().alias("client_payload_packets"),
        (down & (pl.col("payload") > 0)).sum().alias("server_payload_packets"),
        (pl.col("fin") & up).sum().alias("client_fins"),
        (pl.col("fin") & down).sum().alias("server_fins"),
        (pl.col("rst") & up).sum().alias("client_resets"),
        (pl.col("rst") & down).sum().alias("server_resets"),
    )
    # Few packets open a stream or reset it: what is told of them is taken from them alone.
    asked = tcp.filter("syn").group_by("stream").agg(
        pl.len().alias("syns"),
        pl.col("frame").first().alias("syn_frame"),
        pl.col("time").last().alias("syn_time"),
        pl.col("seq").first().alias("client_isn"),
    )  # fmt: skip
    answered = tcp.filter(pl.col("syn_ack") & down).group_by("stream").agg(
        pl.len().alias("syn_acks"),
        pl.col("time").first().alias("syn_ack_time"),
        pl.col("seq").first().alias("server_isn"),
    )  # fmt: skip
    confirmed = tcp.filter(acknowledged).group_by("stream").agg(pl.col("time").first().alias("ack_time"))
    reset = tcp.filter("rst").group_by("stream").agg(pl.col("frame").first().alias("first_reset_frame"))
    for more in (ends, _application(tcp), asked, answered, confirmed, reset):
        rows = rows.join(more, on="stream", how="left", maintain_order="left")
    rows = rows.with_columns(
        pl.coalesce("specific", "protocol").alias("protocol"), pl.col("syns", "syn_acks").fill_null(0)
    )
    server_rtt = pl.col("syn_ack_time") - pl.col("syn_time")
    client_rtt = pl.col("ack_time") - pl.col("syn_ack_time")
    one_syn = (pl.col("syns") >= 1) & (pl.col("syn_acks") >= 1)
    rows = rows.with_columns(
        (pl.col("end") - pl.col("start")).alias("seconds"),
        ((pl.col("syn_acks") > 0) & pl.col("ack_time").is_not_null()).alias("established"),
        ((pl.col("syns") > 0) & (pl.col("syn_acks") == 0) & (pl.col("server_resets") > 0)).alias("refused"),
        ((pl.col("syns") > 0) & (pl.col("server_packets") == 0)).alias("unanswered"),
        pl.when(one_syn & (server_rtt >= 0)).then(server_rtt).alias("rtt_server"),
        pl.when(one_syn & (client_rtt >= 0)).then(client_rtt).alias("rtt_client"),
    ).with_columns((pl.col("rtt_server") + pl.col("rtt_client")).alias("rtt"))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in SESSION_SCHEMA.items())


def udp_flows(packets: pl.DataFrame) -> pl.DataFrame:
    """One row for each UDP stream, in order of the first frame; columns as in FLOW_SCHEMA."""
    udp = _of_transport(packets, "udp")
    if udp.is_empty():
        return pl.DataFrame(schema=FLOW_SCHEMA)
    first = udp.group_by("stream").agg(
        pl.col("src").first().alias("a"),
        pl.col("src_port").first().alias("ap"),
        pl.col("dst").first().alias("b"),
        pl.col("dst_port").first().alias("bp"),
    )
    # An answer that was captured without its question comes from a system port (below 1024, RFC 6335) to a high one.
    answer = (pl.col("ap") < 1024) & (pl.col("bp") >= 1024)
    ends = first.select(
        "stream",
        pl.when(answer).then("b").otherwise("a").alias("client"),
        pl.when(answer).then("bp").otherwise("ap").alias("client_port"),
        pl.when(answer).then("a").otherwise("b").alias("server"),
        pl.when(answer).then("ap").otherwise("bp").alias("server_port"),
    )
    udp = udp.with_columns(upward(udp, ends))
    up, down = pl.col("up"), ~pl.col("up")
    rows = udp.group_by("stream", maintain_order=True).agg(
        pl.col("protocol").first(),
        pl.col("time").min().alias("start"),
        pl.col("time").max().alias("end"),
        pl.col("frame").first().alias("first_frame"),
        pl.col("frame").last().alias("last_frame"),
        pl.len().alias("packets"),
        pl.col("length").sum().alias("bytes"),
        up.sum().alias("client_packets"),
        down.sum().alias("server_packets"),
        (pl.col("length") * up).sum().alias("client_bytes"),
        (pl.col("length") * down).sum().alias("server_bytes"),
        (pl.col("payload") * up).sum().alias("client_payload"),
        (pl.col("payload") * down).sum().alias("server_payload"),
    )
    for more in (ends, _application(udp)):
        rows = rows.join(more, on="stream", how="left", maintain_order="left")
    rows = rows.with_columns(pl.coalesce("specific", "protocol").alias("protocol"))
    rows = rows.with_columns((pl.col("end") - pl.col("start")).alias("seconds"))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in FLOW_SCHEMA.items())
