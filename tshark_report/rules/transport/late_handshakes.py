"""Was time lost before a connection was even there?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    RFC6298,
    SYN_ONLY,
    WIRESHARK_TCP,
    count,
    cut,
    frame_numbers,
    hosts_text,
    is_syn,
    number,
    unquoted,
    when,
)
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

LOST = Threshold(
    0.9, "seconds", "the first retransmission of a SYN comes after 1 s (RFC 6298); clocks may be a little off"
)
SHARE = Threshold(
    10, "percent", "of the server's connections: below that it is the odd lost packet that nobody notices"
)
SESSIONS = Threshold(
    2, "connections", "a server that is late again and again concerns its users, however much else goes on"
)
CAPTURE_SHARE = Threshold(
    50, "percent", "of all connections of the capture: then even one is what the capture is about"
)


@rule(
    code="TCP002",
    name="late-handshakes",
    family="transport",
    title="A connection came about only after its SYN was retransmitted",
    question="Was time lost before a connection was even there?",
    answers=("Q7",),
    why=(
        "A lost SYN costs a whole second, the next one two more: nothing else in TCP is as slow, because no "
        "round trip is "
        "known yet. The user sees a page that hangs and then comes at once. The server's application never saw "
        "the wait."
    ),
    innocent=(
        Innocent(
            explanation=(
                "A server or a firewall in front of it drops the first SYN on purpose, to be safe from floods, "
                "and answers the second."
            ),
            tell_apart="Then every new client of that server loses its first SYN, and none loses a later packet.",
        ),
        Innocent(
            explanation=(
                "The client had just woken up: its first SYN left before the network (ARP, wireless, VPN) was ready."
            ),
            tell_apart="Only the first connection after a pause is late, and ARP or DHCP stand right before it.",
        ),
    ),
    confirm=(
        "Capture at the server for the same minutes: did the first SYN arrive, and was it answered?",
        "Look at the server's listen queue and SYN cookies (netstat -s: SYNs to LISTEN sockets dropped).",
        "Look for a firewall or load balancer between both that limits new connections.",
    ),
    references=(RFC6298, WIRESHARK_TCP),
    needs=("tcp_sessions",),
    thresholds={"lost": LOST, "share": SHARE, "sessions": SESSIONS, "capture_share": CAPTURE_SHARE},
    weight=36,
    rests_on=("order",),
)
def late_handshakes(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server and port whose SYNs were answered late."""
    syns = tables.streams.filter(is_syn())
    first = syns.group_by("stream").agg(pl.col("time").min().alias("asked"))
    late = (
        tables.tcp_sessions.filter((pl.col("syns") > 1) & (pl.col("syn_acks") > 0))
        .join(first, on="stream")
        .with_columns((pl.col("syn_time") - pl.col("asked")).alias("lost"))
        .filter((pl.col("lost") >= context.limit("lost")) & (pl.col("syn_ack_time") > pl.col("asked")))
    )
    groups = late.group_by("server", "server_port").agg(pl.len().alias("n"), pl.col("lost").sum())
    for server, port, *_ in groups.sort(["lost", "server"], descending=[True, False]).head(FINDINGS).iter_rows():
        rows = late.filter((pl.col("server") == server) & (pl.col("server_port") == port)).sort("asked")
        yield _draft(tables, context, server, port, rows, syns)


def _draft(tables: Tables, context: Context, server: str, port: int, rows: pl.DataFrame, syns: pl.DataFrame) -> Draft:
    every = tables.tcp_sessions.filter(
        (pl.col("server") == server) & (pl.col("server_port") == port) & (pl.col("syns") > 0)
    )
    share = 100 * rows.height / max(1, every.height)
    again = tables.resent.filter(
        (pl.col("kind") == "syn")
        & (pl.col("dst") == server)
        & (pl.col("dst_port") == port)
        & pl.col("frame").is_in(syns["frame"].implode())
    )
    clients = [str(c) for c in rows["client"].unique(maintain_order=True).to_list()]
    total, longest = number(rows["lost"].sum()), number(rows["lost"].max())
    attempts = tables.tcp_sessions.filter(pl.col("syns") > 0).height
    lowered = ""
    if share < context.limit("share"):
        lowered = f"only {share:.1f} % of the server's connections were late"
    elif rows.height < context.limit("sessions") and 100 * rows.height < context.limit("capture_share") * attempts:
        lowered = f"{count(rows.height, 'connection')} of {attempts:,} in this capture"
    priority: Priority = "low" if lowered else "medium"
    lines = []
    for row in rows.iter_rows(named=True):
        mine = again.filter(pl.col("stream") == row["stream"])["frame"].to_list()
        lines.append(
            (
                mine[0] if mine else row["syn_frame"],
                when(row["asked"]),
                row["client"],
                server,
                port,
                len(mine),
                round(row["lost"], 6),
                _asked(tables, row["stream"]),
            )
        )
    subject = f"{server}:{port}"
    return Draft(
        subject=subject,
        hosts=(server, *clients[:4]),
        summary=(
            f"{hosts_text(clients)} had to repeat the SYN to {context.named(server)} port {port} before it was "
            "answered (SYN "
            f"retransmitted, frame {lines[0][0]}): {rows.height:,} of {count(every.height, 'connection')}, from "
            f"{clock(number(rows['asked'].min()))} UTC. The set-up cost {took(longest)} at most and {took(total)} "
            "in all; "
            f"after that the handshake's round trip was {_rtt(rows)}."
        ),
        sentence=(
            f"{clients[0]} asked {context.named(server)} port {port} for a connection and got no answer to its "
            "first SYN; "
            f"the set-up took {took(longest)} longer"
        ),
        priority=priority,
        confidence="high",
        display_filter=filters.all_of(
            filters.dst(server),
            filters.dst_port("tcp", port),
            SYN_ONLY,
            filters.exists("tcp.analysis.retransmission"),
            unquoted(tables),
        ),
        frames=frame_numbers(again),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("first SYN", "time"),
                ("client", "address"),
                ("server", "address"),
                ("port", "port"),
                ("SYNs repeated", "count"),
                ("lost", "seconds"),
                ("first request", "text"),
            ),
            lines,
        ),
        line_up=("tcp.stream", "tcp.flags.str", "tcp.seq_raw", "ip.ttl", "ip.id"),
        time=number(rows["asked"].min()),
        weight=min(6.0, total),
        lowered_because=lowered,
    )


def _rtt(rows: pl.DataFrame) -> str:
    known = rows["rtt"].drop_nulls()
    return took(number(known.median())) if known.len() else "not measurable"


def _asked(tables: Tables, stream: int) -> str:
    request = tables.http.filter((pl.col("stream") == stream) & pl.col("method").is_not_null())
    if request.is_empty():
        return ""
    row = request.row(0, named=True)
    return cut(f"{row['method']} {row['uri']}")
