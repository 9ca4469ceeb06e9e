"""Were many IPv6 addresses of the link asked for?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, busiest, frame_numbers, number, several, span
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

SOLICITATION, ADVERTISEMENT = 135, 136
"""Neighbour discovery (RFC 4861)."""

TARGETS = Threshold(20, "addresses", "an ordinary host speaks to a few neighbours; IPv6 has no broadcast to look at")
WINDOW = Threshold(60, "seconds", "a search asks for them within a minute; a router collects as many over hours")
UNANSWERED = Threshold(
    0.5, "share of the addresses", "neighbours that are really spoken to answer; guessed ones are not there"
)


@rule(
    code="SCN015",
    name="neighbour-sweep",
    family="scans",
    title="One host asked for many IPv6 addresses of its link (neighbour sweep)",
    question="Did somebody look for IPv6 hosts on the local link?",
    answers=("Q6",),
    why="A neighbour solicitation asks who has one IPv6 address of the link, as ARP does for IPv4. A link holds far"
    " too many addresses to try all, so whoever asks for many that do not exist tries guesses: low numbers, words,"
    " addresses made of IPv4 ones. Sent through a router, it also fills the router's neighbour cache.",
    innocent=(
        Innocent(
            explanation="A router that is asked from outside for many inside addresses asks for each of them.",
            tell_apart="The asking MAC is the gateway's, and packets for these addresses arrive at it at the same time;"
            " then the sweep is theirs.",
        ),
        Innocent(
            explanation="Network management that looks its list of hosts up.",
            tell_apart="It repeats at fixed times, from the management host, and nearly all of them answer.",
        ),
    ),
    confirm=(
        "Which neighbours answered, and what did the source send them next?",
        "Find the switch port of the MAC address and who uses it.",
    ),
    references=(
        Reference(title="ATT&CK T1018 Remote System Discovery", url="https://attack.mitre.org/techniques/T1018/"),
        Reference(
            title="RFC 7707, Network Reconnaissance in IPv6 Networks", url="https://www.rfc-editor.org/rfc/rfc7707"
        ),
        Reference(
            title="RFC 6583, Operational Neighbor Discovery Problems", url="https://www.rfc-editor.org/rfc/rfc6583"
        ),
    ),
    needs=("icmp",),
    thresholds={"targets": TARGETS, "window": WINDOW, "unanswered": UNANSWERED},
    fields=("icmpv6.nd.ns.target_address",),
    weight=51,
)
def neighbour_sweep(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each asking address."""
    # "::" asks whether its own future address is taken (duplicate address detection).
    asked = tables.icmp.filter(
        (pl.col("type") == SOLICITATION)
        & pl.col("target").is_not_null()
        & pl.col("src").is_not_null()
        & (pl.col("src") != "::")
    )
    if asked.height < context.limit("targets"):
        return
    first = asked.unique(["src", "target"], keep="first", maintain_order=True)
    wide = first.group_by("src").len().filter(pl.col("len") >= context.limit("targets"))
    found = 0
    for source in wide.sort(["len", "src"], descending=[True, False])["src"].to_list():
        mine = first.filter(pl.col("src") == source)
        if busiest(mine["time"], context.limit("window")) < context.limit("targets"):
            continue
        there = tables.icmp.filter((pl.col("type") == ADVERTISEMENT) & (pl.col("dst") == source))["src"].unique()
        mine = mine.with_columns(pl.col("target").is_in(there.implode()).alias("answered"))
        if mine.filter(~pl.col("answered")).height < context.limit("unanswered") * mine.height:
            continue
        found += 1
        if found <= FINDINGS:
            yield _draft(tables, str(source), mine, asked.filter(pl.col("src") == source))


def _draft(tables: Tables, source: str, mine: pl.DataFrame, requests: pl.DataFrame) -> Draft:
    targets = [str(t) for t in mine["target"].to_list()]
    answered = [str(t) for t in mine.filter("answered")["target"].to_list()]
    first, last = number(mine["time"].min()), number(mine["time"].max())
    macs = tables.packets.filter(pl.col("frame").is_in(requests["frame"].implode()))["eth_src"].drop_nulls().unique()
    alive = f"{len(answered):,} answered: {listed(answered, 6)}" if answered else "none answered in this capture"
    sent_by = f" ({macs[0]})" if len(macs) == 1 else ""
    return Draft(
        subject=source,
        hosts=(source, *answered[:10]),
        summary=f"{source}{sent_by} asked for {len(targets):,} different IPv6 addresses of its link within"
        f" {duration(last - first)}, {span(first, last)} ({requests.height:,} neighbour solicitations of ICMPv6),"
        f" {several(targets)}: a neighbour sweep by its shape. {alive[0].upper()}{alive[1:]}.",
        sentence=f"{source} asked for {count(len(targets), 'IPv6 address', 'IPv6 addresses')} of its link within"
        f" {duration(last - first)}, a neighbour sweep; {alive}",
        priority="medium",
        confidence="high" if len(targets) >= 2 * TARGETS.value else "medium",
        display_filter=filters.all_of(filters.src(source), filters.exists("icmpv6.nd.ns.target_address")),
        frames=frame_numbers(requests),
        evidence=evidence(
            (("asked for", "address"), ("answered", "text"), ("time", "time"), ("frame", "frame")),
            [
                [row["target"], "yes" if row["answered"] else "no", row["time"], row["frame"]]
                for row in mine.head(200).iter_rows(named=True)
            ],
            mine.height,
        ),
        line_up=("eth.src", "ipv6.src", "icmpv6.nd.ns.target_address", "icmpv6.type"),
    )
