"""Was one port looked for on many hosts?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    SYN_FILTER,
    attempts,
    frame_numbers,
    notable,
    own,
    service,
    several,
    span,
    syn_packets,
)
from tshark_report.rules.scans._marks import crafted
from tshark_report.rules.scans.vertical_port_scan import scanned_pairs
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

HOSTS = Threshold(20, "hosts", "Zeek and Snort count 15 to 25 failed hosts; a client with an outage meets fewer")
HOSTS_WEB = Threshold(
    40, "hosts", "browsers do open 80 and 443 of many hosts at once, and all of them fail when the way out is blocked"
)
FAILED = Threshold(0.8, "share of the hosts", "a client with a task is answered by most hosts; a search mostly is not")
FURTHER = Threshold(5, "hosts", "further ports of a source that already stands out are told from this many hosts on")

WEB = (80, 443)


@rule(
    code="SCN002",
    name="horizontal-port-scan",
    family="scans",
    title="One source tried the same TCP port on many hosts (scan, sweep)",
    question="Did somebody look for hosts that offer one service?",
    answers=("Q6", "Q13"),
    why="Trying one port on many addresses, most of which do not answer, is a search for hosts with that service: a"
    " worm or"
    " bot that spreads, a survey, or the first step of an intrusion. From an inside host it deserves attention at"
    " once.",
    innocent=(
        Innocent(
            explanation="An inventory, monitoring or backup server whose clients are switched off.",
            tell_apart="It asks the same list of inside hosts again and again, and most of them answer at other times.",
        ),
        Innocent(
            explanation="A file-sharing or cryptocurrency client that tries peers from an old list.",
            tell_apart="The ports belong to that protocol, and the peers that answer exchange data with it.",
        ),
        Innocent(
            explanation="The way out is down: everything that a client asks for fails at the same time.",
            tell_apart="Other ports and hosts fail in the same seconds, and the client used to be answered.",
        ),
    ),
    confirm=(
        "Which hosts answered? Look at what was sent to them next.",
        "Does the source do anything else in these minutes: downloads, regular contact, logins?",
        "Ask the owner of the source which program opens these connections.",
    ),
    references=(
        Reference(title="ATT&CK T1595.001 Scanning IP Blocks", url="https://attack.mitre.org/techniques/T1595/001/"),
        Reference(title="ATT&CK T1046 Network Service Discovery", url="https://attack.mitre.org/techniques/T1046/"),
        Reference(
            title="Jung et al., Fast Portscan Detection Using Sequential Hypothesis Testing, 2004",
            url="https://www.icir.org/vern/papers/portscan-oak04.pdf",
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={"hosts": HOSTS, "hosts_web": HOSTS_WEB, "failed": FAILED, "further": FURTHER},
    fields=("tcp.flags",),
    weight=58,
)
def horizontal_port_scan(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each source, all its ports in it."""
    tried = attempts(tables)
    scanned = scanned_pairs(tables)
    if scanned.height:
        tried = tried.join(
            scanned.select("client", "server"), on=["client", "server"], how="anti", maintain_order="left"
        )
    # Who looks for hosts does not ask for their names.
    tried = tried.filter(~pl.col("server").is_in(list(tables.names)))
    ports = (
        tried.group_by("client", "server_port", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("hosts"),
            pl.col("failed").sum().cast(pl.Int64),
            pl.col("refused").sum().cast(pl.Int64),
            pl.col("server").filter("open").alias("open"),
            pl.col("server").alias("servers"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .filter(
            (pl.col("hosts") >= context.limit("further"))
            & (pl.col("failed") >= context.limit("failed") * pl.col("hosts"))
        )
        .sort("hosts", descending=True, maintain_order=True)
    )
    needed = (
        pl.when(pl.col("server_port").is_in(WEB)).then(context.limit("hosts_web")).otherwise(context.limit("hosts"))
    )
    sources = ports.filter(pl.col("hosts") >= needed)["client"].unique(maintain_order=True).to_list()
    if not sources:
        return
    syns = syn_packets(tables)
    for client in sources[:FINDINGS]:
        yield _draft(tables, context, syns, ports.filter(pl.col("client") == client), client)


def _priority(context: Context, client: str, rows: list[dict[str, object]], servers: list[str]) -> Priority:
    known = [notable("tcp", int(str(row["server_port"]))) for row in rows]
    if known[0] is not None and known[0]["kind"] == "p2p":
        return "low"
    outside = sum(context.is_outside(s) for s in servers[:500])
    if context.is_home(client) and outside >= 0.5 * len(servers[:500]) and rows[0]["server_port"] not in WEB:
        searched = int(str(rows[0]["server_port"])) < 1024 or (known[0] is not None)
        return "high" if searched else "medium"
    return "medium"


def _draft(tables: Tables, context: Context, syns: pl.DataFrame, ports: pl.DataFrame, client: str) -> Draft:
    rows = ports.to_dicts()
    numbers = [int(row["server_port"]) for row in rows]
    servers = list(dict.fromkeys(s for row in rows for s in row["servers"]))
    mine = syns.filter((pl.col("src") == client) & pl.col("dst_port").is_in(numbers))
    failed, refused = sum(r["failed"] for r in rows), sum(r["refused"] for r in rows)
    tried = listed([f"{service(r['server_port'])} on {count(r['hosts'], 'host')}" for r in rows], 5, "more ports")
    opened = [f"{host}:{r['server_port']}" for r in rows for host in r["open"]]
    first, last = min(r["first"] for r in rows), max(r["last"] for r in rows)
    answered = f"Answered with SYN/ACK: {listed(opened, 5)}" if opened else "No host answered with SYN/ACK"
    kinds = [f"{n}: {known['uses']}" for n in numbers[:3] if (known := notable("tcp", n))]
    where = "outside" if sum(context.is_outside(s) for s in servers) >= 0.5 * len(servers) else "inside"
    return Draft(
        subject=client,
        hosts=(client, *(o.rsplit(":", 1)[0] for o in opened[:5]), *servers[:5]),
        summary=f"{client} sent SYNs to TCP port {tried}: {len(servers):,} different {where} addresses"
        f" {span(first, last)},"
        f" {several(servers)}. {failed - refused:,} attempts were not answered, {refused:,} refused. {answered}."
        f"{crafted(mine)}" + (f" Known uses: {'; '.join(kinds)}." if kinds else ""),
        sentence=f"{client} looked for TCP port {tried}, a sweep over {len(servers):,} {where} addresses, of which"
        f" {len({o.rsplit(':', 1)[0] for o in opened}):,} answered",
        priority=_priority(context, client, rows, servers),
        confidence="high" if failed >= 0.9 * sum(r["hosts"] for r in rows) else "medium",
        display_filter=own(
            tables, filters.src(client), SYN_FILTER, filters.any_of(*(filters.dst_port("tcp", n) for n in numbers))
        ),
        frames=frame_numbers(mine),
        evidence=evidence(
            (
                ("source", "address"),
                ("port", "port"),
                ("hosts tried", "count"),
                ("not answered", "count"),
                ("refused", "count"),
                ("answered", "text"),
                ("first", "time"),
                ("seconds", "seconds"),
                ("examples", "text"),
            ),
            [
                [
                    client,
                    r["server_port"],
                    r["hosts"],
                    r["failed"] - r["refused"],
                    r["refused"],
                    listed(r["open"], 5),
                    r["first"],
                    round(r["last"] - r["first"], 3),
                    listed(r["servers"], 3),
                ]
                for r in rows
            ],
        ),
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
        weight=5.0 if opened else 0.0,
    )
