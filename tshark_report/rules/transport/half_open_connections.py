"""Did servers answer clients that never completed the handshake?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    RFC9293,
    count,
    hosts_text,
    number,
    ports_text,
    refusing,
    when,
)
from tshark_report.story.words import clock
from tshark_report.tables.sessions import ACK, SYN
from tshark_report.tables.tables import Tables

SESSIONS = Threshold(
    3, "connections", "one or two are a client that changed its mind, or a lost packet at the capture's edge"
)
CLIENTS = Threshold(20, "clients", "so many at once are a flood or its echo, which other rules tell")


@rule(
    code="TCP013",
    name="half-open-connections",
    family="transport",
    title="Clients never completed the handshake though the server answered",
    question="Did servers answer clients that never completed the handshake?",
    answers=("Q7",),
    why=(
        "The SYN arrived and was answered, but the client's ACK never came: the SYN/ACK is lost on the way back "
        "(asymmetric "
        "route, a filter that lets only one direction pass), or the client was gone. The server keeps repeating its "
        "SYN/ACK."
    ),
    innocent=(
        Innocent(
            explanation="The capture ended, or lost packets, before the handshake was complete.",
            tell_apart="The attempts stand in the last second of the capture.",
        ),
        Innocent(
            explanation="A probe that only asks whether the port is open (uptime check, half-open scan).",
            tell_apart="The client then mostly sends a reset, and asks regularly.",
        ),
    ),
    confirm=(
        "Capture at the client: does the SYN/ACK arrive there?",
        "Compare the routes in both directions, and the firewall's state table.",
    ),
    references=(RFC9293,),
    needs=("tcp_sessions",),
    thresholds={"sessions": SESSIONS, "clients": CLIENTS},
    weight=18,
    rests_on=("both-sides",),
)
def half_open_connections(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server whose SYN/ACKs were not answered."""
    half = tables.tcp_sessions.filter(
        (pl.col("syns") > 0)
        & (pl.col("syn_acks") > 0)
        & ~pl.col("established")
        & (pl.col("client_resets") == 0)
        & (pl.col("server_resets") == 0)
    )
    groups = half.group_by("server").agg(pl.len().alias("n"), pl.col("client").n_unique().alias("clients"))
    groups = groups.filter((pl.col("n") >= context.limit("sessions")) & (pl.col("clients") < context.limit("clients")))
    for one in refusing(tables, half, groups, SYN | ACK):
        server, rows, clients, ports = one.server, one.rows, one.clients, one.ports
        yield Draft(
            subject=server,
            hosts=(server, *clients[:4]),
            summary=(
                f"{context.named(server)} answered {count(rows.height, 'SYN')} of {hosts_text(clients)} on "
                f"{ports_text(ports)} with SYN/ACK, but the handshake was never completed (half-open), from "
                f"{clock(number(rows['start'].min()))} UTC."
            ),
            sentence=(
                f"{clients[0]} asked {context.named(server)} {ports_text(ports, 3)} for connections and never "
                f"completed them ({rows.height:,} half-open)"
            ),
            priority="low",
            confidence="medium",
            display_filter=one.display_filter,
            frames=one.frames,
            evidence=evidence(
                (
                    ("client", "address"),
                    ("client port", "port"),
                    ("server", "address"),
                    ("port", "port"),
                    ("SYNs", "count"),
                    ("SYN/ACKs", "count"),
                    ("time", "time"),
                ),
                [
                    (
                        r["client"],
                        r["client_port"],
                        server,
                        r["server_port"],
                        r["syns"],
                        r["syn_acks"],
                        when(r["start"]),
                    )
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )
