"""Was a port scan shared out among many sources?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, drafts, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    SYN_FILTER,
    attempts,
    frame_numbers,
    network,
    number,
    own,
    ranges,
    service,
    services,
    several,
    span,
    syn_packets,
    whole,
)
from tshark_report.rules.scans._marks import crafted
from tshark_report.rules.scans.horizontal_port_scan import horizontal_port_scan
from tshark_report.rules.scans.vertical_port_scan import scanned_pairs
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

SOURCES = Threshold(5, "sources", "two or three hosts may be one person's; five that divide the work are not")
PORTS = Threshold(15, "TCP ports", "together, as many as make a port scan of one source")
HOSTS = Threshold(30, "hosts", "together, a sweep over a network; a farm of servers is smaller or answers")
EACH = Threshold(3, "tries a source", "the median: made-up sources are seen once each, lost clients once or twice")
AGAIN = Threshold(
    1.2, "sources a target", "who divides the work tries each once; what the whole Internet tries meets the same ports"
)
FAILED = Threshold(
    0.6, "share of the tries", "who knows the server knows its ports; a scanner mostly meets closed ones"
)
NEIGHBOURS = r"^(\d+\.\d+\.|[0-9a-f]+:[0-9a-f]+:[0-9a-f]*:)"
"""What addresses of one network have in common: 16 bits of IPv4, 48 of IPv6."""
NAMED = 12
"""Sources in the display filter; past that it takes every SYN to the target."""


@rule(
    code="SCN016",
    name="shared-port-scan",
    family="scans",
    title="Many sources divided a port scan among them",
    question="Did many sources together look for open ports, each with few tries?",
    answers=("Q6", "Q10"),
    why="A scan from one address is seen and blocked. Divided among many sources, each tries so little that no count"
    " per source notices; together they cover the ports of one host, or one port of a network, and hardly any twice.",
    innocent=(
        Innocent(
            explanation="A measuring project or a security service that scans from a range of its own addresses.",
            tell_apart="The sources lie in one network whose owner names the project, mostly on a web page.",
        ),
        Innocent(
            explanation="Background noise: hosts all over the world try doors one by one.",
            tell_apart="Then the same few ports (23, 445, 22, 80) come again and again from different sources.",
        ),
        Innocent(
            explanation="Clients that a firewall keeps from the changing data ports of one service.",
            tell_apart="Each of them also has a connection to the same server that works.",
        ),
    ),
    confirm=(
        "Do TTL, window and options of the SYNs agree between the sources: one program on all of them?",
        "Did one of the sources, or another, come back to a port that answered?",
        "Search the firewall's log for the same sources over a longer time.",
    ),
    references=(
        Reference(title="ATT&CK T1595 Active Scanning", url="https://attack.mitre.org/techniques/T1595/"),
        Reference(title="ATT&CK T1046 Network Service Discovery", url="https://attack.mitre.org/techniques/T1046/"),
        Reference(
            title="Gates, Coordinated Scan Detection, NDSS 2009",
            url="https://www.ndss-symposium.org/ndss2009/coordinated-scan-detection/",
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "sources": SOURCES,
        "ports": PORTS,
        "hosts": HOSTS,
        "each": EACH,
        "again": AGAIN,
        "failed": FAILED,
    },
    fields=("tcp.flags",),
    weight=54,
)
def shared_port_scan(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each host, and for each port, that many sources tried together."""
    tried = attempts(tables)
    if tried["client"].n_unique() < context.limit("sources"):
        return
    # One event, one finding: sources that scan a host by themselves are told by another rule.
    alone = scanned_pairs(tables)
    if alone.height:
        tried = tried.join(alone.select("client", "server"), on=["client", "server"], how="anti", maintain_order="left")
    # Nor sources that sweep a port by themselves.
    limits = horizontal_port_scan.limits(context.settings)
    sweeping = [d.subject for d in drafts(horizontal_port_scan, Context(context.settings, limits, tables))]
    tried = tried.filter(~pl.col("client").is_in(sweeping))
    # Who uses the server for something may well fail at another of its ports.
    users = tables.tcp_sessions.filter("established").select("client", "server").unique()
    tried = tried.join(users, on=["client", "server"], how="anti", maintain_order="left")
    tried = tried.filter(~pl.col("server").is_in(list(tables.names)))
    syns = syn_packets(tables)
    found = 0
    for server in _divided(tried, context, "server", "server_port", "ports"):
        found += 1
        if found > FINDINGS:
            return
        yield _of_host(tables, syns, tried.filter(pl.col("server") == server), str(server))
    # Clients that lose their way out fail at servers all over; a sweep goes through one network.
    tried = tried.with_columns(pl.col("server").str.extract(NEIGHBOURS, 1).alias("near"))
    tried = tried.filter(pl.col("near").is_not_null()).with_columns(pl.struct("server_port", "near").alias("at"))
    for at in _divided(tried, context, "at", "server", "hosts"):
        found += 1
        if found > FINDINGS:
            return
        yield _of_port(tables, syns, tried.filter(pl.col("at") == pl.lit(at, dtype=tried["at"].dtype)))


def _divided(tried: pl.DataFrame, context: Context, by: str, over: str, least: str) -> list[object]:
    """What (`by`) enough sources tried together at enough different places (`over`), most places first."""
    groups = tried.group_by(by, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("tries"),
        pl.col(over).n_unique().cast(pl.Int64).alias("places"),
        pl.col("client").n_unique().cast(pl.Int64).alias("sources"),
        pl.col("failed").sum().cast(pl.Int64),
        pl.col("client").value_counts().struct.field("count").median().alias("each"),
    )
    groups = groups.filter(
        (pl.col("sources") >= context.limit("sources"))
        & (pl.col("places") >= context.limit(least))
        & (pl.col("each") >= context.limit("each"))
        & (pl.col("tries") <= context.limit("again") * pl.col("places"))
        & (pl.col("failed") >= context.limit("failed") * pl.col("tries"))
    )
    return groups.sort("places", descending=True, maintain_order=True)[by].to_list()


def _of_host(tables: Tables, syns: pl.DataFrame, rows: pl.DataFrame, server: str) -> Draft:
    sources = _by_share(rows)
    mine = syns.filter(pl.col("dst") == server)
    parts = [filters.dst(server), SYN_FILTER]
    if len(sources) <= NAMED:
        mine = mine.filter(pl.col("src").is_in(sources))
        parts.append(filters.any_of(*(filters.src(s) for s in sources)))
    ports = [int(p) for p in rows["server_port"].unique().sort().to_list()]
    opened = [int(p) for p in rows.filter("open")["server_port"].unique().sort().to_list()]
    tried = f"{len(ports):,} TCP ports of {server}, each source {_each(rows)} (ports {ranges(ports)})"
    answers = f"Open, answered with SYN/ACK: {services(opened)}" if opened else "No port answered as open"
    return _draft(tables, rows, mine, parts, server, (server, *sources[:12]), tried, answers)


def _of_port(tables: Tables, syns: pl.DataFrame, rows: pl.DataFrame) -> Draft:
    sources, port = _by_share(rows), whole(rows["server_port"][0])
    servers = [str(s) for s in rows["server"].unique(maintain_order=True).to_list()]
    inside = network(servers)
    mine = syns.filter(pl.col("dst_port") == port)
    parts = [filters.dst_port("tcp", port), SYN_FILTER]
    held = ipaddress.ip_network(inside)
    there = [a for a in mine["dst"].unique().to_list() if a and ipaddress.ip_address(a.split("%", 1)[0]) in held]
    mine = mine.filter(pl.col("dst").is_in(there))
    parts.append(filters.network(inside, "ipv6.dst" if ":" in inside else "ip.dst"))
    if len(sources) <= NAMED:
        mine = mine.filter(pl.col("src").is_in(sources))
        parts.append(filters.any_of(*(filters.src(s) for s in sources)))
    opened = [str(s) for s in rows.filter("open")["server"].unique(maintain_order=True).to_list()]
    tried = f"TCP port {service(port)} on {len(servers):,} hosts, each source {_each(rows)}: {several(servers)}"
    answers = f"Answered with SYN/ACK: {listed(opened, 5)}" if opened else "No host answered with SYN/ACK"
    hosts = (*sources[:6], *opened[:4], *servers[:3])
    return _draft(tables, rows, mine, parts, f"TCP port {port} in {inside}", hosts, tried, answers)


def _by_share(rows: pl.DataFrame) -> list[str]:
    shares = rows.group_by("client").len().sort(["len", "client"], descending=[True, False])
    return [str(c) for c in shares["client"].to_list()]


def _each(rows: pl.DataFrame) -> str:
    shares = rows.group_by("client").len()["len"]
    least, most = whole(shares.min()), whole(shares.max())
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _draft(
    tables: Tables, rows: pl.DataFrame, mine: pl.DataFrame, parts: list[str], subject: str, hosts: tuple[str, ...],
    tried: str, answers: str,
) -> Draft:  # fmt: skip
    sources = _by_share(rows)
    first, last = number(rows["first"].min()), number(rows["last"].max())
    refused, failed = whole(rows["refused"].sum()), whole(rows["failed"].sum())
    return Draft(
        subject=subject,
        hosts=tuple(dict.fromkeys(hosts)),
        summary=f"{len(sources)} sources ({several(sources)}) together tried {tried}, {span(first, last)}, and hardly"
        f" any of them twice: a port scan with shared work by its shape. {refused:,} were refused with a reset,"
        f" {failed - refused:,} not answered. {answers}.{crafted(mine)}",
        sentence=f"{sources[0]} and {count(len(sources) - 1, 'other source')} together tried {tried}",
        priority="medium",
        confidence="medium",
        display_filter=own(tables, *parts),
        frames=frame_numbers(mine),
        evidence=evidence(
            (
                ("source", "address"),
                ("target", "address"),
                ("port", "port"),
                ("answer", "text"),
                ("first", "time"),
            ),
            [
                [
                    r["client"],
                    r["server"],
                    r["server_port"],
                    "open" if r["open"] else "refused" if r["refused"] else "none",
                    r["first"],
                ]
                for r in rows.sort("first").head(200).iter_rows(named=True)
            ],
            rows.height,
        ),
        line_up=("ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.window_size_value", "ip.ttl"),
    )
