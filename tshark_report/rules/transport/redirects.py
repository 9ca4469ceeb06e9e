"""Did a router or host tell others to use another gateway?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, RFC792, count, frame_numbers, hosts_text, number, when
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

MESSAGES = Threshold(1, "messages", "each changes the route of a host")


@rule(
    code="NET006",
    name="redirects",
    family="transport",
    title="Hosts were told by ICMP redirect to use another gateway",
    question="Did a router or host tell others to use another gateway?",
    answers=("Q7",),
    why=(
        "A redirect changes the route of the host that believes it. From the router that the host uses, it is an "
        "optimisation "
        "(and a sign of two gateways in one network); from anybody else it can draw the traffic to a machine "
        "that reads it."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Two routers stand in one network, and the host's default gateway is not the nearest to that "
                "destination."
            ),
            tell_apart="The sender is the gateway that the host uses, and the named gateway is a router as well.",
        ),
    ),
    confirm=("Is the sender's hardware address the gateway's?", "Is the new gateway a router that you know?"),
    references=(
        RFC792,
        Reference(
            title="MITRE ATT&CK T1557: Adversary-in-the-Middle", url="https://attack.mitre.org/techniques/T1557/"
        ),
    ),
    needs=("icmp",),
    thresholds={"messages": MESSAGES},
    weight=23,
)
def redirects(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each sender of redirects."""
    six = pl.col("src").str.contains(":", literal=True)
    rows = tables.icmp.filter((~six & (pl.col("type") == 5)) | (six & (pl.col("type") == 137)))
    groups = rows.group_by("src").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("messages"))
    for router, number_of in groups.sort(["n", "src"], descending=[True, False]).head(FINDINGS).iter_rows():
        mine = rows.filter(pl.col("src") == router).with_columns(pl.col("all_dst").list.last().alias("target"))
        told = [str(d) for d in mine["dst"].unique(maintain_order=True).to_list()]
        gateways = [str(g) for g in mine["gateway"].drop_nulls().unique(maintain_order=True).to_list()]
        targets = [str(t) for t in mine["target"].drop_nulls().unique(maintain_order=True).to_list()]
        kind = filters.equals("icmpv6.type", 137) if ":" in router else filters.equals("icmp.type", 5)
        yield Draft(
            subject=router,
            hosts=(router, *told[:3], *gateways[:2]),
            summary=(
                f"{router} told {hosts_text(told)} {count(number_of, 'time')} by ICMP redirect to send packets to "
                f"{hosts_text(targets) or 'a destination'} "
                f"by way of {hosts_text(gateways) or 'another gateway'}, from {clock(number(mine['time'].min()))} UTC."
            ),
            sentence=(
                f"{router} told {hosts_text(told, 2)} by ICMP redirect to use the gateway "
                f"{hosts_text(gateways, 2) or 'of another name'}"
            ),
            priority="low",
            confidence="high",
            display_filter=filters.all_of(kind, filters.src(router)),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("from", "address"),
                    ("told", "address"),
                    ("destination", "address"),
                    ("new gateway", "address"),
                ),
                [
                    (r["frame"], when(r["time"]), router, r["dst"], r["target"], r["gateway"])
                    for r in mine.iter_rows(named=True)
                ],
            ),
        )
