"""Does one client hold or open more connections than any use needs?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    SYN_FILTER,
    busiest,
    frame_numbers,
    number,
    own,
    service,
    span,
    syn_packets,
)
from tshark_report.story.words import count, duration, size
from tshark_report.tables.tables import Tables

OPENED = Threshold(
    600, "connections in a minute", "a page opens a few dozen; a proxy or a test opens many, a flood more"
)
FAST = Threshold(3000, "connections in a minute", "fifty a second from one client are a flood or a load test")
HELD = Threshold(100, "connections at the same time", "browsers hold 6 to a server; a slow flood holds hundreds")
UNFINISHED = Threshold(
    20, "unfinished HTTP requests at the same time", "a browser holds 6 connections and finishes every request at once"
)
UNSERVED = Threshold(0.8, "share of the connections", "a slow flood never finishes its request, so no answer comes")
SECONDS = Threshold(10, "seconds", "an ordinary request is complete within a second or two")
LITTLE = Threshold(2000, "bytes asked", "unfinished request headers are small; an upload is not")
STEP = 60.0

REQUEST = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE) \S")
"""How an HTTP request begins."""


@rule(
    code="SCN013",
    name="connection-flood",
    family="scans",
    title="One client opened or held very many connections to one service",
    question="Is a service kept busy by the number of connections?",
    answers=("Q6", "Q7"),
    why="A server has a limited number of workers. A client that opens connections by the hundred, or holds many"
    " open and never"
    " finishes its request, uses them all up without much traffic.",
    innocent=(
        Innocent(
            explanation="A proxy, a load balancer or NAT stands for many clients.",
            tell_apart="The requests name different users and pages, and are answered.",
        ),
        Innocent(
            explanation="A load test or a crawler of one's own.",
            tell_apart="It names itself in its User-Agent and is announced.",
        ),
    ),
    confirm=(
        "Did the server still answer others in these minutes?",
        "Look at the requests: are they whole, and are they all alike?",
    ),
    references=(
        Reference(
            title="ATT&CK T1499.002 Service Exhaustion Flood", url="https://attack.mitre.org/techniques/T1499/002/"
        ),
        Reference(
            title="RFC 4732, Internet Denial-of-Service Considerations", url="https://www.rfc-editor.org/rfc/rfc4732"
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "opened": OPENED,
        "fast": FAST,
        "held": HELD,
        "unfinished": UNFINISHED,
        "unserved": UNSERVED,
        "seconds": SECONDS,
        "little": LITTLE,
    },
    weight=45,
)
def connection_flood(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and service."""
    made = tables.tcp_sessions.filter((pl.col("syns") > 0) & pl.col("established"))
    ends = ["client", "server", "server_port"]
    least = min(context.limit("opened"), context.limit("held"), context.limit("unfinished"))
    groups = made.group_by(ends, maintain_order=True).len().filter(pl.col("len") >= least)
    found = 0
    for client, server, port, _ in groups.sort("len", descending=True, maintain_order=True).iter_rows():
        rows = made.filter(
            (pl.col("client") == client) & (pl.col("server") == server) & (pl.col("server_port") == port)
        )
        peak = busiest(rows["start"], STEP)
        held = rows.filter(
            (pl.col("seconds") >= context.limit("seconds"))
            & (pl.col("server_payload") == 0)
            & (pl.col("client_payload") > 0)
            & (pl.col("client_payload") <= context.limit("little"))
        )
        together = _together(held)
        enough = context.limit("held")
        if context.limit("unfinished") <= together < enough:
            held = held.filter(pl.col("stream").is_in(_unfinished(tables, held["stream"])))
            together, enough = _together(held), context.limit("unfinished")
        slow = together >= enough and held.height >= context.limit("unserved") * rows.height
        if slow or peak >= context.limit("opened"):
            found += 1
            if found <= FINDINGS:
                yield _draft(tables, context, rows, client, server, port, together if slow else 0, peak)


def _unfinished(tables: Tables, streams: pl.Series) -> list[int]:
    """Streams whose client began an HTTP request that tshark never saw whole."""
    whole = tables.http.filter(pl.col("method").is_not_null())["stream"].unique()
    first = tables.openings.filter(
        (pl.col("transport") == "tcp")
        & (pl.col("order") == 0)
        & pl.col("stream").is_in(streams.implode())
        & ~pl.col("stream").is_in(whole.implode())
    )
    return [stream for stream, data in first.select("stream", "data").iter_rows() if REQUEST.match(bytes(data))]


def _together(rows: pl.DataFrame) -> int:
    """Most of the connections that were open at the same moment."""
    if rows.is_empty():
        return 0
    events = pl.concat(
        [
            rows.select(pl.col("start").alias("time"), pl.lit(1).alias("step")),
            rows.select(pl.col("end").alias("time"), pl.lit(-1).alias("step")),
        ]
    )
    # Whoever ends in the moment in which another begins was there with it.
    return int(number(events.sort("time", "step", descending=[False, True])["step"].cum_sum().max()))


def _draft(
    tables: Tables,
    context: Context,
    rows: pl.DataFrame,
    client: str,
    server: str,
    port: int,
    together: int,
    peak: int,
) -> Draft:
    syns = syn_packets(tables).filter(
        (pl.col("src") == client) & (pl.col("dst") == server) & (pl.col("dst_port") == port)
    )
    served = rows.filter(pl.col("server_payload") > 0).height
    asked, answered = number(rows["client_payload"].sum()), number(rows["server_payload"].sum())
    first, last = number(rows["start"].min()), number(rows["start"].max())
    unserved = served < (1 - UNSERVED.value) * rows.height
    priority: Priority = "medium" if together or peak >= context.limit("fast") or unserved else "low"
    what = (
        f"held {together:,} connections at the same time, each with a few bytes asked and nothing answered, a slow"
        " flood by its"
        " shape (as Slowloris makes)"
        if together
        else f"opened up to {peak:,} connections in a minute"
    )
    where = f"{server}:{service(port)}"
    return Draft(
        subject=f"{client} -> {server}:{port}",
        hosts=(server, client),
        summary=f"{client} {what}, to {where}: {count(rows.height, 'connection')} {span(first, last)}, {size(asked)}"
        " asked and"
        f" {size(answered)} answered; {served:,} of them brought an answer.",
        sentence=f"{client} {what}, to {where}, {count(rows.height, 'connection')} within {duration(last - first)}",
        priority=priority,
        confidence="high" if together else "medium",
        display_filter=own(tables, filters.src(client), filters.dst(server), filters.dst_port("tcp", port), SYN_FILTER),
        frames=frame_numbers(syns),
        evidence=evidence(
            (
                ("client port", "port"),
                ("start", "time"),
                ("seconds", "seconds"),
                ("bytes asked", "bytes"),
                ("bytes answered", "bytes"),
                ("frame", "frame"),
            ),
            [
                [
                    r["client_port"],
                    r["start"],
                    round(r["seconds"], 3),
                    r["client_payload"],
                    r["server_payload"],
                    r["first_frame"],
                ]
                for r in rows.head(100).iter_rows(named=True)
            ],
            rows.height,
        ),
        line_up=("tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.window_size_value", "ip.id", "ip.ttl"),
    )
