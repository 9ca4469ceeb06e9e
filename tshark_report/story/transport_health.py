"""Is it the client, the server, the wire, or none of them? The numbers, and one sentence that says them."""

from __future__ import annotations

import msgspec
import polars as pl

from tshark_report.report.model import PathTiming, TransportHealth
from tshark_report.story.words import count, took
from tshark_report.tables.sessions import RST
from tshark_report.tables.tables import Tables

PATHS_KEPT = 20
"""Paths in the report, busiest first; the total is told."""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def transport_health(tables: Tables) -> TransportHealth:
    """Counts of the whole capture and medians for each client, server and port."""
    sessions = tables.tcp_sessions
    tcp = tables.packets.lazy().filter(pl.col("transport") == "tcp").select("flags").collect()
    again = tables.resent.filter(~pl.col("copy") & (pl.col("kind") != "reordered"))
    overtaken = tables.resent.filter(~pl.col("copy") & (pl.col("kind") == "reordered")).height
    analysis = tables.analysis.join(tables.copies.select("frame"), on="frame", how="anti")
    paths, paths_total = _paths(tables)
    health = TransportHealth(
        sentence="",
        tcp_packets=tcp.height,
        tcp_sessions=sessions.height,
        complete_handshakes=_whole(sessions["established"].sum()),
        unanswered_syns=_whole(sessions["unanswered"].sum()),
        refused=_whole(sessions["refused"].sum()),
        retransmissions=again.height,
        retransmission_percent=round(100 * again.height / tcp.height, 2) if tcp.height else 0.0,
        duplicate_acks=_kind(analysis, "duplicate-ack"),
        zero_windows=_zero_windows(tables).height,
        out_of_order=_kind(analysis, "out-of-order") + overtaken,
        resets=_whole(((tcp["flags"].fill_null(0) & RST) != 0).sum()),
        paths=paths,
        paths_total=paths_total,
    )
    return msgspec.structs.replace(health, sentence=_sentence(tables, health))


def _kind(analysis: pl.DataFrame, kind: str) -> int:
    return analysis.filter(pl.col("kind") == kind).height


def _zero_windows(tables: Tables) -> pl.DataFrame:
    """Zero windows while a connection is in use: a reset or a FIN with window 0 says nothing."""
    zero = tables.analysis.filter(pl.col("kind") == "zero-window").select("frame")
    closing = (pl.col("flags").fill_null(0) & 0x05) != 0
    near = tables.packets.lazy().filter(pl.col("frame").is_in(zero["frame"].unique().implode()) & ~closing)
    return zero.join(near.select("frame", "stream").collect(), on="frame")


def _paths(tables: Tables) -> tuple[list[PathTiming], int]:
    """One row for each client, server and port, busiest first, and how many there are."""
    sessions = tables.tcp_sessions
    if sessions.is_empty():
        return [], 0
    key = ["client", "server", "server_port"]
    of_stream = sessions.select("stream", *key)
    rows = sessions.group_by(key, maintain_order=True).agg(
        pl.len().alias("sessions"),
        pl.col("rtt", "rtt_client", "rtt_server").median(),
        (pl.col("client_resets") + pl.col("server_resets")).sum().alias("resets"),
        pl.col("packets").sum(),
    )
    calm = tables.exchanges.filter(~pl.col("disturbed"))
    thinking = calm.group_by(key).agg(
        pl.col("think").median().alias("think"),
        pl.col("think").max().alias("think_max"),
        pl.col("client_think").median().alias("client_think"),
    )
    again = (
        tables.resent.filter(~pl.col("copy") & (pl.col("kind") != "reordered"))
        .select("stream")
        .join(of_stream, on="stream")
    )
    rows = rows.join(thinking, on=key, how="left", maintain_order="left")
    rows = rows.join(again.group_by(key).agg(pl.len().alias("again")), on=key, how="left", maintain_order="left")
    zero = _zero_windows(tables).select("stream").join(of_stream, on="stream")
    rows = rows.join(zero.group_by(key).agg(pl.len().alias("zero")), on=key, how="left", maintain_order="left")
    rows = rows.sort("packets", descending=True, maintain_order=True)
    kept = [
        PathTiming(
            client=row["client"] or "",
            server=row["server"] or "",
            port=_whole(row["server_port"]),
            sessions=_whole(row["sessions"]),
            rtt_s=_rounded(row["rtt"]),
            rtt_client_s=_rounded(row["rtt_client"]),
            rtt_server_s=_rounded(row["rtt_server"]),
            server_think_s=_rounded(row["think"]),
            server_think_max_s=_rounded(row["think_max"]),
            client_think_s=_rounded(row["client_think"]),
            retransmissions=_whole(row["again"]),
            zero_windows=_whole(row["zero"]),
            resets=_whole(row["resets"]),
            packets=_whole(row["packets"]),
        )
        for row in rows.head(PATHS_KEPT).iter_rows(named=True)
    ]
    return kept, rows.height


def _rounded(value: object) -> float | None:
    number = _number(value)
    return None if number is None else round(number, 6)


def _sentence(tables: Tables, health: TransportHealth) -> str:
    if not health.tcp_packets:
        return "There is no TCP in this capture, so nothing can be said about its transport."
    whole = (
        count(health.complete_handshakes, "complete handshake") if health.complete_handshakes else "no whole handshake"
    )
    parts = [f"{count(health.tcp_sessions, 'TCP connection')} with {count(health.tcp_packets, 'packet')}: {whole}"]
    if health.unanswered_syns:
        parts.append(f"{count(health.unanswered_syns, 'attempt')} without any answer")
    if health.refused:
        parts.append(f"{health.refused:,} refused")
    if health.retransmissions:
        parts.append(
            f"{count(health.retransmissions, 'packet')} sent again ({health.retransmission_percent:.2g} % of TCP)"
        )
    else:
        parts.append("nothing was sent again")
    if tables.copies.height:
        parts.append(f"{count(tables.copies.height, 'packet')} recorded more than once")
    if health.duplicate_acks:
        parts.append(count(health.duplicate_acks, "duplicate ACK"))
    if health.zero_windows:
        parts.append(count(health.zero_windows, "zero window"))
    first = ", ".join(parts) + "."
    rtt = _number(tables.tcp_sessions["rtt"].median())
    calm = tables.exchanges.filter(~pl.col("disturbed"))
    think = _number(calm["think"].median())
    longest = _number(calm["think"].max())
    second = ""
    if rtt is not None and think is not None and longest is not None:
        second = (
            f" The median handshake round trip is {took(rtt)}; servers needed {took(think)} (median) for an answer, "
            f"at most {took(longest)}, without the wire."
        )
    elif rtt is not None:
        second = f" The median handshake round trip is {took(rtt)}; no answer of a server could be timed."
    elif think is not None and longest is not None:
        second = (
            f" No handshake is whole, so the wire cannot be taken out: answers took {took(think)} (median), "
            f"at most {took(longest)}."
        )
    return first + second
