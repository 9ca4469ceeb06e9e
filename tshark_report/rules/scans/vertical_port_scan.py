"""Was one host's door tried at many ports?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import ColumnType, Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    SYN_FILTER,
    attempts,
    frame_numbers,
    own,
    ranges,
    services,
    several,
    span,
    syn_packets,
)
from tshark_report.rules.scans._marks import crafted
from tshark_report.story.words import clock, count, listed
from tshark_report.tables.tables import Tables

PORTS = Threshold(
    15, "TCP ports", "an ordinary client uses a handful of ports of one server; nmap's shortest list has 100"
)
FAILED = Threshold(
    0.6, "share of the ports", "who knows the server knows its ports; a scanner mostly meets closed ones"
)
EMPTY_PORTS = Threshold(
    100,
    "TCP ports",
    "where a firewall or honeypot answers for every port, that many connections without a byte are the sign",
)
EMPTY = Threshold(0.9, "share of the ports", "connections that were opened and closed without a byte of payload")
SOURCES = Threshold(5, "sources", "that many sources trying the same host are one event: decoys, or shared work")

DECOYS = 2
"""Sources with the same port and sequence number in every SYN: by chance once in 2^48."""

TARGETS_NAMED = 12
"""Targets in the display filter; past that the filter takes every SYN of the source."""


def scanned_pairs(tables: Tables, context_limits: dict[str, float] | None = None) -> pl.DataFrame:
    """Client and server pairs with the shape of a port scan; columns of `attempts` summed up."""
    limits = {"ports": PORTS.value, "failed": FAILED.value, "empty_ports": EMPTY_PORTS.value, "empty": EMPTY.value}
    limits |= context_limits or {}
    pairs = (
        attempts(tables)
        .group_by("client", "server", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("ports"),
            pl.col("failed").sum().cast(pl.Int64),
            pl.col("refused").sum().cast(pl.Int64),
            pl.col("empty").sum().cast(pl.Int64),
            pl.col("server_port").filter("open").sort().alias("open"),
            pl.col("server_port").sort().alias("all_ports"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
    )
    closed = (pl.col("ports") >= limits["ports"]) & (pl.col("failed") >= limits["failed"] * pl.col("ports"))
    mute = (pl.col("ports") >= limits["empty_ports"]) & (pl.col("empty") >= limits["empty"] * pl.col("ports"))
    return pairs.filter(closed | mute)


@rule(
    code="SCN001",
    name="vertical-port-scan",
    family="scans",
    title="One source tried many TCP ports of a host (port scan)",
    question="Did somebody look for open ports of one host?",
    answers=("Q6", "Q10"),
    why="A client knows which port it wants. Trying many ports of one host, most of them closed, is how services are"
    " looked"
    " for before they are used. The ports that answered with SYN/ACK are what the source now knows.",
    innocent=(
        Innocent(
            explanation="A vulnerability scanner, an inventory or the network team's own nmap.",
            tell_apart="It comes from a known address in a known window, and somebody can say so.",
        ),
        Innocent(
            explanation="A passive FTP client behind a firewall that blocks the data ports.",
            tell_apart="Each attempt follows a 227 or 229 reply that named exactly that port.",
        ),
    ),
    confirm=(
        "Look at the ports that answered: did the source come back to them with data?",
        "Ask who runs the source address, and whether a scan was announced.",
        "Search the firewall's log for the same source over a longer time.",
    ),
    references=(
        Reference(title="ATT&CK T1046 Network Service Discovery", url="https://attack.mitre.org/techniques/T1046/"),
        Reference(
            title="nmap: port scanning techniques", url="https://nmap.org/book/man-port-scanning-techniques.html"
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={"ports": PORTS, "failed": FAILED, "empty_ports": EMPTY_PORTS, "empty": EMPTY, "sources": SOURCES},
    fields=("tcp.flags",),
    weight=55,
)
def vertical_port_scan(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each source, or for each target that many sources tried."""
    pairs = scanned_pairs(tables, dict(context.limits))
    if pairs.is_empty():
        return
    syns = syn_packets(tables)
    crowded = pairs.group_by("server").len().filter(pl.col("len") >= context.limit("sources"))["server"].to_list()
    # Several sources with the same port and sequence number are one program that made up all addresses but its own.
    crowded = [*crowded, *(s for s in _decoyed(syns, pairs) if s not in crowded)]
    for server in crowded[:FINDINGS]:
        yield _of_target(tables, syns, pairs.filter(pl.col("server") == server), server)
    rest = pairs.filter(~pl.col("server").is_in(crowded))
    sources = (
        rest.group_by("client", maintain_order=True)
        .agg(pl.col("ports").sum())
        .sort("ports", descending=True, maintain_order=True)
    )
    for client in sources["client"].to_list()[:FINDINGS]:
        yield _of_source(tables, syns, rest.filter(pl.col("client") == client).sort("ports", descending=True), client)


def _decoyed(syns: pl.DataFrame, pairs: pl.DataFrame) -> list[str]:
    """Targets whose scanners all wrote the same source port and initial sequence number into their SYNs."""
    mine = syns.join(
        pairs.select(pl.col("client").alias("src"), pl.col("server").alias("dst")), on=["src", "dst"], how="semi"
    )
    made = mine.group_by("dst", "src").agg(
        pl.struct("src_port", "seq").n_unique().alias("kinds"), pl.col("src_port").first(), pl.col("seq").first()
    )
    alike = (
        made.filter((pl.col("kinds") == 1) & pl.col("seq").is_not_null())
        .group_by("dst", "src_port", "seq", maintain_order=True)
        .agg(pl.len().alias("sources"))
        .filter(pl.col("sources") >= DECOYS)
    )
    return sorted(set(alike["dst"].to_list()))


COLUMNS: tuple[tuple[str, ColumnType], ...] = (
    ("source", "address"),
    ("target", "address"),
    ("ports tried", "count"),
    ("not answered", "count"),
    ("refused", "count"),
    ("open", "text"),
    ("first", "time"),
    ("seconds", "seconds"),
)


def _rows(pairs: pl.DataFrame) -> list[list[str | int | float]]:
    return [
        [
            row["client"],
            row["server"],
            row["ports"],
            row["failed"] - row["refused"],
            row["refused"],
            services(row["open"], 20),
            row["first"],
            round(row["last"] - row["first"], 3),
        ]
        for row in pairs.iter_rows(named=True)
    ]


def _of_source(tables: Tables, syns: pl.DataFrame, pairs: pl.DataFrame, client: str) -> Draft:
    rows = pairs.to_dicts()
    targets = [row["server"] for row in rows]
    mine = syns.filter(pl.col("src") == client)
    parts = [filters.src(client), SYN_FILTER]
    if len(targets) <= TARGETS_NAMED:
        mine = mine.filter(pl.col("dst").is_in(targets))
        parts.append(filters.any_of(*(filters.dst(t) for t in targets)))
    refused, silent = sum(r["refused"] for r in rows), sum(r["failed"] - r["refused"] for r in rows)
    tried = listed([f"{count(r['ports'], 'TCP port')} of {r['server']}" for r in rows], 3, "more hosts")
    if len(targets) > TARGETS_NAMED:
        least, most = rows[-1]["ports"], rows[0]["ports"]
        tried = f"{least:,} to {most:,} TCP ports on each of {len(targets):,} hosts, {several(targets)}"
    found = [f"{services(r['open'])} on {r['server']}" for r in rows if r["open"]]
    opened = f"Open, answered with SYN/ACK: {listed(found, 5, 'more hosts')}" if found else "No port answered as open"
    sample = ranges(rows[0]["all_ports"])
    first, last = min(r["first"] for r in rows), max(r["last"] for r in rows)
    return Draft(
        subject=client,
        hosts=(client, *targets[:12]),
        summary=f"{client} tried {tried} {span(first, last)} (ports {sample}): {refused:,} refused with a reset,"
        f" {silent:,} not answered. {opened}.{crafted(mine)}",
        sentence=f"{client} tried {tried}, the shape of a port scan; "
        + (f"open were {listed(found, 3, 'more hosts')}" if found else "none answered as open"),
        priority="medium",
        confidence="high" if rows[0]["ports"] >= 4 * PORTS.value else "medium",
        display_filter=own(tables, *parts),
        frames=frame_numbers(mine),
        evidence=evidence(COLUMNS, _rows(pairs)),
        line_up=(
            "ip.dst",
            "tcp.srcport",
            "tcp.dstport",
            "tcp.flags",
            "tcp.seq_raw",
            "tcp.window_size_value",
            "ip.ttl",
            "ip.id",
        ),
        weight=5.0 if found else 0.0,
    )


def _of_target(tables: Tables, syns: pl.DataFrame, pairs: pl.DataFrame, server: str) -> Draft:
    rows = pairs.sort("ports", descending=True).to_dicts()
    sources = [row["client"] for row in rows]
    mine = syns.filter(pl.col("dst") == server)
    parts = [filters.dst(server), SYN_FILTER]
    if len(sources) <= TARGETS_NAMED:
        mine = mine.filter(pl.col("src").is_in(sources))
        parts.append(filters.any_of(*(filters.src(s) for s in sources)))
    opened = sorted({port for row in rows for port in row["open"]})
    first, last = min(r["first"] for r in rows), max(r["last"] for r in rows)
    told = f"Open, answered with SYN/ACK: {services(opened)}" if opened else "No port answered as open"
    heard = _answered(rows)
    made_up = bool(_decoyed(syns, pairs))
    what = (
        "a port scan with made-up sources (decoys)"
        if made_up
        else ("a port scan with shared work or with made-up sources (decoys)")
    )
    own_ = f" Only {heard} got answers, so the others are most likely made up." if made_up and heard else ""
    return Draft(
        subject=server,
        hosts=(heard, server, *(s for s in sources[:12] if s != heard))
        if made_up and heard
        else (server, *sources[:12]),
        summary=f"{len(sources)} sources ({several(sources)}) tried up to {rows[0]['ports']:,} TCP ports of {server}"
        f" {span(first, last)}: {what}. {told}.{own_}{crafted(mine)}",
        sentence=f"{len(sources)} sources tried up to {rows[0]['ports']:,} TCP ports of {server}, first {sources[0]} at"
        f" {clock(rows[0]['first'])}{f'; only {heard} got answers' if made_up and heard else ''}",
        priority="medium",
        confidence="medium",
        display_filter=own(tables, *parts),
        frames=frame_numbers(mine),
        evidence=evidence(COLUMNS, _rows(pairs.sort("ports", descending=True))),
        title="Several sources tried many TCP ports of one host (port scan)",
    )


def _answered(rows: list[dict[str, object]]) -> str:
    """The only source that the target answered; empty where there is none or more than one."""
    heard = [str(row["client"]) for row in rows if row["refused"] or row["open"]]
    return heard[0] if len(heard) == 1 else ""
