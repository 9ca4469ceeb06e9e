"""Who says that it is a router?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._claims import is_virtual
from tshark_report.rules.scans._common import busiest, frame_numbers, number, several, span
from tshark_report.story.words import count
from tshark_report.tables.tables import Tables

ROUTERS = Threshold(5, "advertising addresses", "a link has one router, or two or three with redundancy")
PACKETS = Threshold(100, "advertisements in 10 seconds", "RFC 4861 allows one every three seconds from each router")
MAKERS = Threshold(
    2, "makers of network cards", "that advertise on one link: redundant routers are mostly of one maker"
)
ADVERTISEMENT = 134
STEP = 10.0


@rule(
    code="LNK007",
    name="router-advertisements",
    family="scans",
    title="Very many IPv6 router advertisements were sent on the link",
    question="Who says that it is a router?",
    answers=("Q10",),
    why="Hosts believe every router advertisement: they take addresses, a default route and name servers from it."
    " One host that"
    " advertises draws the traffic to itself; thousands of made-up routers fill the hosts' tables until they stand"
    " still.",
    innocent=(
        Innocent(
            explanation="Several routers of one link, or one that serves many virtual networks on one port.",
            tell_apart="Their number is small and constant, and their MAC addresses are known.",
        ),
    ),
    confirm=("From which switch port do the advertisements come?", "Is RA guard on?"),
    references=(
        Reference(
            title="RFC 6104, Rogue IPv6 Router Advertisement Problem Statement",
            url="https://www.rfc-editor.org/rfc/rfc6104",
        ),
        Reference(title="ATT&CK T1557 Adversary-in-the-Middle", url="https://attack.mitre.org/techniques/T1557/"),
    ),
    needs=("icmp",),
    thresholds={"routers": ROUTERS, "packets": PACKETS, "makers": MAKERS},
    fields=("icmpv6.type",),
    weight=50,
)
def router_advertisements(tables: Tables, context: Context) -> Iterator[Draft]:
    """At most one finding: the link is what it is about."""
    rows = tables.icmp.filter((pl.col("type") == ADVERTISEMENT) & pl.col("src").str.contains(":", literal=True))
    routers = rows["src"].unique(maintain_order=True).to_list()
    fast = busiest(rows["time"], STEP)
    macs = (
        tables.packets.join(rows.select("frame"), on="frame", how="semi")["eth_src"]
        .drop_nulls()
        .value_counts(sort=True)
    )
    many = len(routers) >= context.limit("routers") or fast >= context.limit("packets")
    makers = {mac[:8].lower() for mac in macs["eth_src"].to_list() if not is_virtual(mac)}
    if not many and (len(routers) == 1 or len(makers) < context.limit("makers")):
        return
    by_router = (
        rows.group_by("src", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("packets"), pl.col("time").min(), pl.col("frame").min())
        .sort("packets", descending=True, maintain_order=True)
    )
    yield Draft(
        subject="router advertisements",
        title="" if many else "Several routers of different makers advertised themselves on one IPv6 link",
        hosts=tuple(routers[:10]),
        summary=f"{rows.height:,} IPv6 router advertisements from {len(routers):,} addresses ({several(routers)})"
        f" and {macs.height:,} MAC"
        f" addresses ({', '.join(macs['eth_src'].to_list()[:3])})"
        f" {span(number(rows['time'].min()), number(rows['time'].max()))}, up to"
        f" {fast:,} in 10 seconds.",
        sentence=f"{routers[0]} and {count(len(routers) - 1, 'other address', 'other addresses')} said that they are"
        f" routers, in {rows.height:,} router advertisements",
        priority="medium" if fast >= context.limit("packets") else "low",
        confidence="high" if fast >= context.limit("packets") else "medium",
        display_filter=filters.equals("icmpv6.type", ADVERTISEMENT),
        frames=frame_numbers(rows),
        evidence=evidence(
            (("router", "address"), ("advertisements", "count"), ("first", "time"), ("frame", "frame")),
            [list(row) for row in by_router.head(100).iter_rows()],
            by_router.height,
        ),
        line_up=("eth.src", "ipv6.src", "ipv6.hlim", "icmpv6.type", "frame.len"),
    )
