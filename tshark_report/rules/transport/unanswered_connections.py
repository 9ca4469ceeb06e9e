"""Was a server asked for a connection and never heard?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    RFC6298,
    SYN_ONLY,
    count,
    frame_numbers,
    hosts_text,
    number,
    one_sided,
    ports_filter,
    ports_text,
    unquoted,
    when,
    whole,
)
from tshark_report.story.words import clock, listed, took
from tshark_report.tables.tables import Tables

SYNS = Threshold(3, "SYNs", "one or two may be lost; three in a row without answer take about 3 s")
WAITED = Threshold(3, "seconds", "SYN, 1 s, SYN, 2 s, SYN: a user has noticed by then")
SHARE = Threshold(5, "percent", "of all connection attempts: below that a dead host is one of many things that went on")
ATTEMPTS = Threshold(2, "attempts", "a program that matters tries again; one silent attempt is a dead link of many")
MOST = Threshold(50, "percent", "of all connection attempts: then even one is what the capture is about")
TARGETS = Threshold(
    10, "hosts or ports", "one client that asks so many without answer looks for something; other rules tell that"
)
SIX = Threshold(
    3, "servers", "outside that were silent over IPv6, where none answered: one or two may be down themselves"
)
WEB_PORTS = (80, 443)
"""Ports at which programs ask by IPv6 first and by IPv4 soon after (Happy Eyeballs, RFC 8305)."""
SOURCES = Threshold(
    100,
    "clients",
    "that many that ask one port once each and never again are made-up sources of a flood, told elsewhere",
)


@rule(
    code="TCP003",
    name="unanswered-connections",
    family="transport",
    title="A server never answered requests for a connection",
    question="Was a server asked for a connection and never heard?",
    answers=("Q7",),
    why=(
        "A host that is up and has no such service refuses at once; silence means that the host is down, that a "
        "filter drops "
        "the packets, or that the way there or back is broken. The client waits and repeats its SYN in ever "
        "longer intervals."
    ),
    innocent=(
        Innocent(
            explanation=(
                "The client knows several addresses of a service, and one of them (often the IPv6 one) is not "
                "reachable from here."
            ),
            tell_apart="The same client reaches the same name at another address within the same second.",
        ),
        Innocent(
            explanation="A firewall drops what policy forbids: telemetry, advertising, old software that calls home.",
            tell_apart=(
                "Ask the firewall's log for the client and port; the drops are deliberate and the same every day."
            ),
        ),
        Innocent(
            explanation="The capture was taken where only one direction passes.",
            tell_apart="Then no other connection of the capture shows an answer either.",
        ),
    ),
    confirm=(
        "Ping and trace the route to the server from the client's network; look for ICMP errors in this capture.",
        "Ask whether the service listens (ss -ltn) and which firewall rules stand in between.",
        "Capture at the server: do the SYNs arrive?",
    ),
    references=(RFC6298, Reference(title="RFC 8305: Happy Eyeballs", url="https://www.rfc-editor.org/rfc/rfc8305")),
    needs=("tcp_sessions",),
    thresholds={
        "syns": SYNS,
        "waited": WAITED,
        "share": SHARE,
        "attempts": ATTEMPTS,
        "most": MOST,
        "targets": TARGETS,
        "six": SIX,
        "sources": SOURCES,
    },
    weight=33,
    rests_on=("both-sides",),
)
def unanswered_connections(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server that never answered, unless its clients asked many hosts or ports."""
    # A client that went on after its SYN was answered, on a way that the capture does not show.
    silent = tables.tcp_sessions.filter(
        pl.col("unanswered") & (pl.col("client_packets") <= pl.col("syns") + pl.col("client_resets"))
    )
    silent = _without_floods(silent, context.limit("sources"))
    if silent.is_empty():
        return
    for draft, told in _without_six(tables, context, silent):
        silent = silent.filter(~pl.col("stream").is_in(told))
        yield draft
    limit = context.limit("targets")
    failed = tables.tcp_sessions.filter(pl.col("refused") | pl.col("unanswered"))
    wide = (
        failed.group_by("client")
        .agg(pl.struct("server", "server_port").n_unique().alias("targets"))
        .filter(pl.col("targets") >= limit)
    )
    silent = silent.join(wide, on="client", how="anti")
    groups = (
        silent.group_by("server")
        .agg(pl.col("syns").sum().alias("syns"), pl.col("seconds").sum().alias("waited"), pl.len().alias("attempts"))
        .filter(pl.col("syns") >= context.limit("syns"))
    )
    # Dozens of silent servers of one capture are no event each.
    for server, *_ in groups.sort(["waited", "server"], descending=[True, False]).head(FINDINGS).iter_rows():
        yield _draft(tables, context, server, silent.filter(pl.col("server") == server).sort("start"))


def _without_six(tables: Tables, context: Context, silent: pl.DataFrame) -> Iterator[tuple[Draft, list[int]]]:
    """Clients of whose IPv6 connections outwards none came about, while they worked over IPv4: with their streams."""
    outside = [s for s in silent["server"].unique().to_list() if ":" in s and context.is_outside(s)]
    rows = silent.filter(pl.col("server").is_in(outside) & pl.col("server_port").is_in(WEB_PORTS))
    if rows["server"].n_unique() < context.limit("six"):
        return
    reached = tables.tcp_sessions.filter(pl.col("established") | pl.col("refused"))
    six_works = any(":" in s and context.is_outside(s) for s in reached["server"].unique().to_list())
    four_works = any(":" not in s and context.is_outside(s) for s in reached["server"].unique().to_list())
    if six_works or not four_works:
        return
    for (client,), mine in rows.sort("start").group_by("client", maintain_order=True):
        servers = [str(s) for s in mine["server"].unique(maintain_order=True).to_list()]
        if len(servers) >= context.limit("six"):
            yield _six_draft(tables, context, str(client), servers, mine), mine["stream"].to_list()


def _six_draft(tables: Tables, context: Context, client: str, servers: list[str], rows: pl.DataFrame) -> Draft:
    ports = sorted(int(p) for p in rows["server_port"].unique().to_list())
    asked = near.session_starts(tables).filter(
        (pl.col("src") == client) & pl.col("dst").is_in(servers) & pl.col("dst_port").is_in(ports)
    )
    named = [context.named(s) for s in servers]
    first, last = number(rows["start"].min()), number(rows["end"].max())
    return Draft(
        subject=f"{client} IPv6",
        hosts=(client, *servers[:4]),
        title="No connection over IPv6 was answered, while IPv4 worked",
        summary=(
            f"{client} asked {count(len(servers), 'server')} outside for a connection over IPv6 ({listed(named, 3)}; "
            f"{count(rows.height, 'attempt')}, {whole(rows['syns'].sum()):,} SYNs, from {clock(first)} to {clock(last)}"
            " UTC) and none of them answered, while connections over IPv4 came about: IPv6 does not "
            "work beyond this network, and programs wait before they fall back to IPv4."
        ),
        sentence=(
            f"{client} began to ask servers outside for connections over IPv6, and none of {len(servers)} answered, "
            "while IPv4 worked"
        ),
        priority="medium",
        confidence="medium",
        display_filter=filters.all_of(
            filters.src(client),
            filters.any_of(*(filters.dst(s) for s in servers)),
            ports_filter(ports),
            SYN_ONLY,
            unquoted(tables),
        ),
        frames=frame_numbers(asked),
        evidence=evidence(
            (("server", "address"), ("port", "port"), ("SYNs", "count"), ("first", "time"), ("frame", "frame")),
            [
                (r["server"], r["server_port"], r["syns"], when(r["start"]), r["first_frame"])
                for r in rows.iter_rows(named=True)
            ],
        ),
        line_up=("tcp.stream", "ipv6.dst", "tcp.flags.str", "frame.time_delta_displayed"),
    )


def _without_floods(silent: pl.DataFrame, sources: float) -> pl.DataFrame:
    """Without ports that a crowd of clients asked once each: no person waits there."""
    crowds = (
        silent.group_by("server", "server_port")
        .agg(pl.col("client").n_unique().alias("clients"), pl.col("syns").mean().alias("each"))
        .filter((pl.col("clients") >= sources) & (pl.col("each") < 1.5))
    )
    return silent.join(crowds, on=["server", "server_port"], how="anti", maintain_order="left")


def _draft(tables: Tables, context: Context, server: str, rows: pl.DataFrame) -> Draft:
    ports = sorted(int(p) for p in rows["server_port"].unique().to_list())
    clients = [str(c) for c in rows["client"].unique(maintain_order=True).to_list()]
    asked = near.session_starts(tables).filter((pl.col("dst") == server) & pl.col("dst_port").is_in(ports))
    attempts = tables.tcp_sessions.filter(pl.col("syns") > 0).height
    share = 100 * rows.height / max(1, attempts)
    waited, longest = number(rows["seconds"].sum()), number(rows["seconds"].max())
    repeated = whole(rows["syns"].sum()) - rows.height
    heard = near.packets(tables, pl.col("src") == server, "frame")
    known = _elsewhere(tables, server, rows)
    lowered = ""
    if known:
        lowered = f"the client reached the same name at {known}"
    elif one_sided(tables):
        lowered = "no connection of this capture shows an answer: it may hold one direction only"
    elif longest < context.limit("waited"):
        lowered = f"no attempt went on for {context.limit('waited'):.0f} s"
    elif share < context.limit("share"):
        lowered = f"{share:.1f} % of the connection attempts of this capture"
    elif rows.height < context.limit("attempts") and share < context.limit("most"):
        lowered = f"{count(rows.height, 'attempt')}, and the capture holds {attempts:,}"
    priority: Priority = "low" if lowered else "medium"
    alive = (
        f" The server sent other packets ({heard.height:,}), so it is up and this port is filtered or dead."
        if heard.height
        else " No packet at all came from that address."
    )
    return Draft(
        subject=server,
        hosts=(*clients[:1], server, *clients[1:4]),
        title="A server never answered requests for a connection (unanswered SYN)",
        summary=(
            f"{context.named(server)} never answered {hosts_text(clients)} on {ports_text(ports)}: "
            f"{count(rows.height, 'attempt')}, the SYN retransmitted {count(repeated, 'time')}, no answer; "
            f"from {clock(number(rows['start'].min()))} to {clock(number(rows['end'].max()))} UTC the client "
            f"waited {took(waited)} "
            f"in all.{alive}"
        ),
        sentence=(
            f"{clients[0]} asked {context.named(server)} {ports_text(ports, 3)} for a connection and was never "
            + (f"answered, though it repeated its SYN {count(repeated, 'time')}" if repeated else "answered")
        ),
        priority=priority,
        confidence="low" if one_sided(tables) else "high",
        display_filter=filters.all_of(filters.dst(server), ports_filter(ports), SYN_ONLY, unquoted(tables)),
        frames=frame_numbers(asked),
        evidence=evidence(
            (
                ("client", "address"),
                ("client port", "port"),
                ("server", "address"),
                ("server port", "port"),
                ("SYNs", "count"),
                ("first", "time"),
                ("waited", "seconds"),
                ("first frame", "frame"),
            ),
            rows.select(
                "client",
                "client_port",
                "server",
                "server_port",
                "syns",
                pl.col("start").map_elements(when, return_dtype=pl.String),
                pl.col("seconds").round(3),
                "first_frame",
            ).rows(),
        ),
        lowered_because=lowered,
        line_up=("tcp.stream", "tcp.flags.str", "tcp.seq_raw", "ip.ttl", "ip.id"),
        weight=min(5.0, rows.height),
    )


def _elsewhere(tables: Tables, server: str, rows: pl.DataFrame) -> str:
    """Another address of the same name that the same client reached."""
    name = tables.names.get(server)
    if not name:
        return ""
    others = [address for address, known in tables.names.items() if known == name and address != server]
    reached = tables.tcp_sessions.filter(
        pl.col("established")
        & pl.col("server").is_in(others)
        & pl.col("client").is_in(rows["client"].unique().implode())
    )
    return str(reached["server"][0]) if reached.height else ""
