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
LATER = Threshold(
    60,
    "seconds",
    "after another router had advertised itself: a redundant one is there from the start, and RFC 4861 has"
    " a router answer a question within half a second",
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
    thresholds={"routers": ROUTERS, "packets": PACKETS, "makers": MAKERS, "later": LATER},
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
    late = [] if many else _came_later(tables, context, rows)
    yield Draft(
        subject="router advertisements",
        title=""
        if many
        else "A second router of another maker began to advertise itself on an IPv6 link"
        if late
        else "Several routers of different makers advertised themselves on one IPv6 link",
        hosts=tuple(dict.fromkeys((*late, *routers)))[:10],
        summary=f"{rows.height:,} IPv6 router advertisements from {len(routers):,} addresses ({several(routers)})"
        f" and {macs.height:,} MAC"
        f" addresses ({', '.join(macs['eth_src'].to_list()[:3])})"
        f" {span(number(rows['time'].min()), number(rows['time'].max()))}, up to"
        f" {fast:,} in 10 seconds."
        + (f" {several(late)} came later, when {routers[0]} had advertised itself for a while." if late else ""),
        sentence=f"{several(late)} began to say that it is a router beside {routers[0]}, in router advertisements"
        if late
        else f"{routers[0]} and {count(len(routers) - 1, 'other address', 'other addresses')} said that they are"
        f" routers, in {rows.height:,} router advertisements",
        priority="medium" if late or fast >= context.limit("packets") else "low",
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


def _came_later(tables: Tables, context: Context, rows: pl.DataFrame) -> list[str]:
    """Routers of another maker than the first one's, that began when that one had advertised itself for a while."""
    macs = tables.packets.join(rows.select("frame"), on="frame", how="semi").select("frame", "eth_src")
    by_router = (
        rows.join(macs, on="frame", how="left")
        .group_by("src", maintain_order=True)
        .agg(pl.col("time").min(), pl.col("eth_src").drop_nulls().first())
        .sort("time", maintain_order=True)
    )
    first = by_router.row(0, named=True)
    before = rows.filter(pl.col("src") == first["src"])["time"]
    return [
        str(r["src"])
        for r in by_router.iter_rows(named=True)
        if r["time"] - first["time"] >= context.limit("later")
        and int((before < r["time"]).sum()) > 1
        and r["eth_src"]
        and first["eth_src"]
        and r["eth_src"][:8].lower() != first["eth_src"][:8].lower()
        and not is_virtual(r["eth_src"])
    ]
