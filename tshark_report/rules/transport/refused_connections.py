"""Was a service asked for that is not there?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    RFC9293,
    count,
    hosts_text,
    number,
    ports_text,
    refusing,
    when,
    whole,
)
from tshark_report.story.words import clock
from tshark_report.tables.sessions import RST
from tshark_report.tables.tables import Tables

ATTEMPTS = Threshold(2, "SYNs", "one refused connection is a typing error or an optional service")
PORTS = Threshold(
    10, "hosts or ports", "one client that is refused by so many looks for something; other rules tell that"
)
SHARE = Threshold(50, "percent", "of the connection attempts of this capture: then it is what the capture is about")


@rule(
    code="TCP012",
    name="refused-connections",
    family="transport",
    title="A server refused connections: nothing listens there",
    question="Was a service asked for that is not there?",
    answers=("Q7",),
    why=(
        "A reset in answer to a SYN says that the host is up, the path works both ways, and no program listens "
        "on the port (or a firewall says so). The trouble is the service, not the network."
    ),
    innocent=(
        Innocent(
            explanation="The service is being restarted, or moved to another host.",
            tell_apart="It was accepted before or is accepted soon after.",
        ),
        Innocent(
            explanation="A program tries an optional local service each time (printer, helper, debugger).",
            tell_apart="The program works nevertheless; attempts come with each start.",
        ),
        Innocent(
            explanation="A firewall rejects with a reset.",
            tell_apart="The reset's TTL differs from other packets of that address.",
        ),
    ),
    confirm=(
        "Ask on the server which program should listen there (ss -ltnp) and since when it does not.",
        "Compare the reset's TTL with the server's other packets.",
    ),
    references=(RFC9293,),
    needs=("tcp_sessions",),
    thresholds={"attempts": ATTEMPTS, "ports": PORTS, "share": SHARE},
    weight=21,
)
def refused_connections(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server that refused, unless its clients were refused by many hosts or ports."""
    refused = tables.tcp_sessions.filter("refused")
    failed = tables.tcp_sessions.filter(pl.col("refused") | pl.col("unanswered"))
    wide = (
        failed.group_by("client")
        .agg(pl.struct("server", "server_port").n_unique().alias("n"))
        .filter(pl.col("n") >= context.limit("ports"))
    )
    refused = refused.join(wide, on="client", how="anti")
    groups = refused.group_by("server").agg(pl.col("syns").sum().alias("n"))
    groups = groups.filter(pl.col("n") >= context.limit("attempts"))
    attempts = tables.tcp_sessions.filter(pl.col("syns") > 0).height
    for one in refusing(tables, refused, groups, RST):
        server, rows, clients, ports = one.server, one.rows, one.clients, one.ports
        served = tables.tcp_sessions.filter(
            (pl.col("server") == server) & pl.col("server_port").is_in(ports) & pl.col("established")
        ).height
        share = 100 * rows.height / max(1, attempts)
        priority: Priority = "medium" if share >= context.limit("share") and not served else "low"
        tried = whole(rows["syns"].sum())
        yield Draft(
            subject=server,
            hosts=(*clients[:1], server, *clients[1:4]),
            summary=(
                f"{context.named(server)} refused {count(rows.height, 'connection')} of {hosts_text(clients)} to "
                f"{ports_text(ports)} with a reset ({count(tried, 'SYN')}), "
                f"from {clock(number(rows['start'].min()))} to {clock(number(rows['end'].max()))} UTC. "
                + (f"It accepted {served:,} others there." if served else "It accepted none there.")
                + " The host is up and the path works; no program listens on that port, or a filter rejects."
            ),
            sentence=(
                f"{clients[0]} asked {context.named(server)} {ports_text(ports, 3)} for a connection and was "
                f"refused ({count(rows.height, 'time')})"
            ),
            priority=priority,
            confidence="high",
            display_filter=one.display_filter,
            frames=one.frames,
            evidence=evidence(
                (
                    ("client", "address"),
                    ("server", "address"),
                    ("port", "port"),
                    ("attempts", "count"),
                    ("first", "time"),
                    ("last", "time"),
                ),
                [
                    (r["client"], server, r["server_port"], r["n"], when(r["first"]), when(r["last"]))
                    for r in rows.group_by("client", "server_port", maintain_order=True)
                    .agg(pl.len().alias("n"), pl.col("start").min().alias("first"), pl.col("start").max().alias("last"))
                    .iter_rows(named=True)
                ],
            ),
            line_up=("tcp.stream", "tcp.flags.str", "ip.ttl", "ip.id"),
        )
