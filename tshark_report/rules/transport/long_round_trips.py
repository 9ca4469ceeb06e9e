"""Is a server so far away that every question costs a noticeable time?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, hosts_text, number, ports_text, unquoted, when
from tshark_report.story.words import took
from tshark_report.tables.sessions import ACK, SYN
from tshark_report.tables.tables import Tables

ROUND_TRIP = Threshold(
    0.3, "seconds", "once around the earth by fibre; a page with TLS needs four of them before it shows anything"
)
NOTICED = Threshold(1, "seconds", "beyond any path by fibre or satellite: a queue or an overloaded host")
SESSIONS = Threshold(3, "handshakes", "one may have met a short queue")
MOST = Threshold(50, "percent", "of all timed handshakes: then even one is what the capture is about")


@rule(
    code="TCP009",
    name="long-round-trips",
    family="transport",
    title="The path to a server is long: each round trip takes noticeable time",
    question="Is a server so far away that every question costs a noticeable time?",
    answers=("Q7",),
    why=(
        "Handshake, TLS and every question cost a whole round trip. Beyond 300 ms a program that asks in small "
        "steps feels slow "
        "although server and wire work as they should."
    ),
    innocent=(
        Innocent(
            explanation="Satellite, mobile networks and other continents have such round trips by nature.",
            tell_apart="It is the same at every hour, and the same for ping.",
        ),
        Innocent(
            explanation="The server was slow to accept the connection, so SYN/ACK came late.",
            tell_apart="Ping is quick while the handshake is slow.",
        ),
    ),
    confirm=(
        "Ping and trace the route at a quiet and at a busy hour.",
        "Compare the handshake's two halves: capture point to client, capture point to server.",
    ),
    references=(Reference(title="ITU-T G.114: One-way transmission time", url="https://www.itu.int/rec/T-REC-G.114"),),
    needs=("tcp_sessions",),
    thresholds={"round_trip": ROUND_TRIP, "noticed": NOTICED, "sessions": SESSIONS, "most": MOST},
    weight=15,
    rests_on=("order",),
)
def long_round_trips(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server whose handshakes take that long (median)."""
    known = tables.tcp_sessions.filter(pl.col("rtt").is_not_null() & (pl.col("syns") == 1))
    groups = (
        known.group_by("server")
        .agg(pl.col("rtt").median(), pl.len().alias("n"), pl.col("rtt_server").median(), pl.col("rtt_client").median())
        .filter(pl.col("rtt") >= context.limit("round_trip"))
    )
    for server, rtt, number_of, to_server, to_client in (
        groups.sort(["rtt", "server"], descending=[True, False]).head(FINDINGS).iter_rows()
    ):
        rows = known.filter(pl.col("server") == server).sort("rtt", descending=True)
        clients = [str(c) for c in rows["client"].unique(maintain_order=True).to_list()]
        ports = sorted({int(p) for p in rows["server_port"].to_list()})
        enough = number_of >= context.limit("sessions")
        most = 100 * number_of >= context.limit("most") * known.height
        priority: Priority = "low" if most else "info"
        if enough:
            priority = "medium" if rtt >= context.limit("noticed") else "low"
        frames = tables.packets.filter(
            (pl.col("src") == server)
            & (pl.col("transport") == "tcp")
            & ((pl.col("flags") & (SYN | ACK)) == (SYN | ACK))
        )["frame"].to_list()
        yield Draft(
            subject=server,
            hosts=(server, *clients[:4]),
            summary=(
                f"High network latency: the handshake with {context.named(server)} {ports_text(ports)} takes "
                f"{took(rtt)} (median "
                f"of {count(number_of, 'handshake')} by {hosts_text(clients)}): {took(number(to_server))} from "
                "the capture point "
                f"to the server and back, {took(number(to_client))} to the client and back. The time goes to the "
                "wire (or to the "
                f"{'server' if number(to_server) >= number(to_client) else 'client'}'s side of it), before any "
                "application works."
            ),
            sentence=f"{clients[0]} reached {context.named(server)} only over a path with a round trip of {took(rtt)}",
            priority=priority,
            confidence="medium",
            display_filter=filters.all_of(
                filters.src(server),
                filters.equals("tcp.flags.syn", 1),
                filters.equals("tcp.flags.ack", 1),
                unquoted(tables),
            ),
            frames=frames,
            evidence=evidence(
                (
                    ("client", "address"),
                    ("server", "address"),
                    ("port", "port"),
                    ("time", "time"),
                    ("round trip", "seconds"),
                    ("server side", "seconds"),
                    ("client side", "seconds"),
                ),
                [
                    (
                        r["client"],
                        server,
                        r["server_port"],
                        when(r["start"]),
                        r["rtt"],
                        r["rtt_server"],
                        r["rtt_client"],
                    )
                    for r in rows.iter_rows(named=True)
                ],
            ),
            lowered_because="" if enough else f"only {count(number_of, 'handshake')} could be timed",
        )
