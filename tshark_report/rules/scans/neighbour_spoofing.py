"""Does one MAC address answer for IPv6 addresses of others?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._claims import NO_MAC, REDUNDANCY, is_virtual
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, number, span
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

UNASKED = Threshold(3, "unasked advertisements", "hosts answer when asked; who overwrites an entry has to repeat it")
CLAIMED = Threshold(2, "addresses", "of other hosts claimed by one MAC: to stand between two hosts one claims both")

ROUTER_SOLICITATION, SOLICITATION, ADVERTISEMENT = 133, 135, 136
"""Neighbour discovery (RFC 4861): who has an address, and who says that it has it."""
MOST_CLAIMED = 60
"""Addresses that a finding names; one MAC may answer for a whole link."""
ASKED_WITHIN = 5.0
"""Seconds within which an advertisement belongs to a solicitation."""


@rule(
    code="LNK010",
    name="neighbour-spoofing",
    family="scans",
    title="One MAC address claimed IPv6 addresses of other hosts by neighbour discovery",
    question="Does one host answer for IPv6 addresses of others?",
    answers=("Q10",),
    why="A neighbour advertisement has no proof of ownership: the last one that overrides wins. A host that claims the"
    " address of"
    " another, or of the router, gets the packets that are meant for it.",
    innocent=(
        Innocent(
            explanation="A cluster or a redundant router moved the address to its second machine.",
            tell_apart="The address moves once, and the machine that had it stops using it.",
        ),
        Innocent(
            explanation="A proxy for neighbour discovery (RFC 4389), a VPN gateway or a Wi-Fi bridge answers for hosts"
            " behind it.",
            tell_apart="It answers only when asked, and the hosts behind it never send on this link themselves.",
        ),
    ),
    confirm=(
        "Find the switch port of the MAC address.",
        "Compare the neighbour tables of the hosts with the true owner (ip -6 neigh; netsh interface ipv6 show neigh).",
        "Is IPv6 neighbour discovery inspection on (RFC 6620)?",
    ),
    references=(
        Reference(
            title="RFC 3756, IPv6 Neighbor Discovery Trust Models and Threats",
            url="https://www.rfc-editor.org/rfc/rfc3756",
        ),
        Reference(title="ATT&CK T1557 Adversary-in-the-Middle", url="https://attack.mitre.org/techniques/T1557/"),
    ),
    needs=("icmp",),
    thresholds={"unasked": UNASKED, "claimed": CLAIMED},
    fields=("icmpv6.type",),
    weight=71,
)
def neighbour_spoofing(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each MAC that claims addresses which another MAC used before."""
    said = _claims(tables)
    if said.is_empty():
        return
    # Discovery never crosses a router (hop limit 255), so its packets carry the MAC of who sent them.
    near = tables.icmp.filter(
        pl.col("type").is_between(ROUTER_SOLICITATION, ADVERTISEMENT)
        & pl.col("src").is_in(said["src"].unique().implode())
    ).select("frame")
    used = tables.packets.join(near, on="frame", how="semi").filter(
        pl.col("eth_src").is_not_null() & ~pl.col("eth_src").is_in(NO_MAC)
    )
    owners = used.group_by("src", "eth_src", maintain_order=True).agg(
        pl.col("time").min().alias("first"), pl.col("time").max().alias("last"), pl.col("frame").min()
    )
    shared = [mac for mac in owners["eth_src"].unique().to_list() if is_virtual(mac)]
    owners = owners.filter(~pl.col("eth_src").is_in(shared))
    said = said.filter(~pl.col("eth_src").is_in(shared))
    held = owners.sort("first").unique("src", keep="first", maintain_order=True)
    # Its other packets carry the same MAC, so they tell until when it was used.
    alive = (
        tables.packets.filter(pl.col("src").is_in(held["src"].implode()))
        .group_by("src", "eth_src")
        .agg(pl.col("time").max().alias("last"))
    )
    held = held.drop("last").join(alive, on=["src", "eth_src"])
    rival = said.join(held.select("src", pl.col("eth_src").alias("owner"), "last"), on="src").filter(
        pl.col("eth_src") != pl.col("owner")
    )
    found = 0
    for (mac,), rows in rival.group_by("eth_src", maintain_order=True):
        # Whoever moved an address once is the only one that uses it afterwards.
        still = rows.filter(pl.col("last") > rows["time"].min())
        unasked = still.filter("unasked")
        claimed = still["src"].unique(maintain_order=True).to_list()
        still = still.filter(pl.col("src").is_in(claimed[:MOST_CLAIMED]))
        if unasked.height < context.limit("unasked") and len(claimed) < context.limit("claimed"):
            continue
        found += 1
        if found <= FINDINGS:
            yield _draft(tables, context, str(mac), still, owners)


def _claims(tables: Tables) -> pl.DataFrame:
    """Neighbour advertisements with the MAC that sent them; `unasked`: nobody had asked for the address just before."""
    icmp = tables.icmp.filter(pl.col("type").is_in([SOLICITATION, ADVERTISEMENT]))
    said = icmp.filter((pl.col("type") == ADVERTISEMENT) & pl.col("src").str.contains(":", literal=True))
    said = said.join(tables.packets.select("frame", "eth_src"), on="frame").filter(
        pl.col("eth_src").is_not_null() & ~pl.col("eth_src").is_in(NO_MAC)
    )
    asked = icmp.filter((pl.col("type") == SOLICITATION) & pl.col("target").is_not_null()).select(
        "time", pl.col("target").alias("src"), pl.col("time").alias("asked")
    )
    said = said.sort("time").join_asof(
        asked.sort("time"), on="time", by="src", strategy="backward", check_sortedness=False
    )
    # A question is answered once: what the same MAC says again before the next one was not asked for.
    again = pl.col("asked").is_duplicated() & ~pl.struct("src", "eth_src", "asked").is_first_distinct()
    late = pl.col("asked").is_null() | (pl.col("time") - pl.col("asked") > ASKED_WITHIN) | again
    return said.with_columns(late.alias("unasked"))


def _draft(tables: Tables, context: Context, mac: str, rows: pl.DataFrame, owners: pl.DataFrame) -> Draft:
    claimed = rows["src"].unique(maintain_order=True).to_list()
    unasked = rows.filter("unasked").height
    own = (
        tables.packets.filter((pl.col("eth_src") == mac) & ~pl.col("src").is_in(claimed))["src"]
        .drop_nulls()
        .unique(maintain_order=True)
        .to_list()
    )
    beside = sorted(set(tables.packets.filter(pl.col("protocol").is_in(REDUNDANCY))["protocol"].to_list()))
    strong = unasked >= context.limit("unasked")
    priority: Priority = "info" if beside else "medium" if strong else "low"
    if strong and len(claimed) >= context.limit("claimed") and not beside:
        priority = "high"
    others = owners.filter(pl.col("src").is_in(claimed) & (pl.col("eth_src") != mac))
    told = "; ".join(
        f"{src} is also used by {other}" for src, other in others.select("src", "eth_src").head(3).iter_rows()
    )
    first, last = number(rows["time"].min()), number(rows["time"].max())
    by = f" (the MAC of {own[0]})" if own else ""
    why = f" {' and '.join(beside)} messages are in the capture, which move an address on purpose." if beside else ""
    return Draft(
        subject=mac,
        hosts=(*own[:1], *claimed[:10]),
        summary=f"The MAC address {mac}{by} claimed {count(len(claimed), 'IPv6 address', 'IPv6 addresses')} of other"
        f" hosts ({listed(claimed, 4)}) in {count(rows.height, 'neighbour advertisement')} {span(first, last)},"
        f" {unasked:,} of them without having been asked; {told}, which went on sending.{why}",
        sentence=f"{mac}{by} claimed {listed(claimed, 2)} in {count(rows.height, 'neighbour advertisement')}, though"
        f" {others['eth_src'][0]} uses {'it' if len(claimed) == 1 else 'them'}",
        priority=priority,
        confidence="high" if strong else "medium",
        display_filter=filters.all_of(
            filters.equals("icmpv6.type", ADVERTISEMENT),
            filters.at("eth.src", mac),
            filters.any_of(*(filters.src(a) for a in claimed)),
        ),
        frames=frame_numbers(rows),
        evidence=evidence(
            (
                ("address", "address"),
                ("MAC", "text"),
                ("first packet", "time"),
                ("last packet", "time"),
                ("frame", "frame"),
            ),
            [
                [r["src"], r["eth_src"], r["first"], r["last"], r["frame"]]
                for r in owners.filter(pl.col("src").is_in(claimed)).iter_rows(named=True)
            ],
        ),
        line_up=("eth.src", "ipv6.src", "ipv6.dst", "icmpv6.type", "icmpv6.nd.na.target_address"),
        time=first,
    )
