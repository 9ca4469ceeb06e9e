"""Did a router ask for smaller packets?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, number, when, whole
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

MESSAGES = Threshold(1, "messages", "one already tells the path's MTU")
IGNORED = Threshold(5, "messages", "for one destination: a sender that learned from the first would need no more")


@rule(
    code="NET004",
    name="smaller-path-mtu",
    family="transport",
    title="A router reported that packets are too large for the path",
    question="Did a router ask for smaller packets?",
    answers=("Q7",),
    why=(
        "The path carries less than the sender's packets (a tunnel, PPPoE, a VPN). The message makes the sender "
        "use smaller ones: "
        "once is how it should be. Again and again means that the sender does not learn, and its large packets "
        "are lost."
    ),
    innocent=(
        Innocent(
            explanation="Path-MTU discovery at work: the first large packet of a connection meets a tunnel.",
            tell_apart="One message, then smaller segments that are acknowledged.",
        ),
    ),
    confirm=(
        "After the message, does the sender use smaller segments (tcp.len)?",
        "Clamp the MSS on the tunnel so that hosts need not discover it.",
    ),
    references=(
        Reference(title="RFC 1191: Path MTU Discovery", url="https://www.rfc-editor.org/rfc/rfc1191"),
        Reference(title="RFC 8201: Path MTU Discovery for IPv6", url="https://www.rfc-editor.org/rfc/rfc8201"),
    ),
    needs=("icmp",),
    thresholds={"messages": MESSAGES, "ignored": IGNORED},
    weight=17,
)
def smaller_path_mtu(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each reporting router."""
    six = pl.col("src").str.contains(":", literal=True)
    rows = tables.icmp.filter((~six & (pl.col("type") == 3) & (pl.col("code") == 4)) | (six & (pl.col("type") == 2)))
    if rows.is_empty():
        return
    rows = rows.with_columns(pl.col("all_dst").list.last().alias("target"))
    groups = rows.group_by("src").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("messages"))
    for router, number_of in groups.sort(["n", "src"], descending=[True, False]).head(FINDINGS).iter_rows():
        mine = rows.filter(pl.col("src") == router)
        senders = [str(s) for s in mine["dst"].unique(maintain_order=True).to_list()]
        targets = [str(t) for t in mine["target"].drop_nulls().unique(maintain_order=True).to_list()]
        worst = whole(mine.group_by("dst", "target").agg(pl.len().alias("n"))["n"].max())
        mtu = whole(mine["mtu"].min())
        version6 = ":" in router
        priority: Priority = "low" if worst >= context.limit("ignored") else "info"
        chosen = (
            filters.equals("icmpv6.type", 2)
            if version6
            else filters.all_of(filters.equals("icmp.type", 3), filters.equals("icmp.code", 4))
        )
        yield Draft(
            subject=router,
            hosts=(*senders[:1], router, *targets[:3]),
            summary=(
                f"{router} told {hosts_text(senders)} {count(number_of, 'time')} that packets to "
                f"{hosts_text(targets) or 'their destination'} are too "
                f"large (fragmentation needed): the path carries {mtu:,} bytes ({mtu} MTU), from "
                f"{clock(number(mine['time'].min()))} UTC."
                + (
                    f" For one destination it had to say so {worst:,} times: the sender goes on with large packets."
                    if worst >= context.limit("ignored")
                    else ""
                )
            ),
            sentence=(
                f"{router} told {senders[0]} that the path to {hosts_text(targets, 2) or 'its destination'} "
                f"carries only {mtu:,} bytes"
            ),
            priority=priority,
            confidence="high",
            display_filter=filters.all_of(chosen, filters.src(router)),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("router", "address"),
                    ("sender", "address"),
                    ("destination", "address"),
                    ("path MTU", "bytes"),
                ),
                [
                    (r["frame"], when(r["time"]), router, r["dst"], r["target"], r["mtu"])
                    for r in mine.iter_rows(named=True)
                ],
            ),
        )
