"""Do ping replies arrive that nobody asked for?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    ECHO_REPLIES,
    ECHO_REQUESTS,
    FINDINGS,
    frame_numbers,
    not_errors,
    number,
    several,
    span,
)
from tshark_report.settings import is_multicast
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

SOURCES = Threshold(
    10, "answering hosts", "a ping has one answer; a ping to a broadcast address with a false source has many"
)
REPLIES = Threshold(50, "replies", "a few late replies to questions from before the capture are ordinary")
ASKED = Threshold(0.1, "share of the replies", "who pings is answered about as often as it asks")


@rule(
    code="SCN014",
    name="unasked-echo-replies",
    family="scans",
    title="Many hosts sent ping replies to a host that had not asked (reflected ping, smurf)",
    question="Do ping replies arrive that nobody asked for?",
    answers=("Q4", "Q6"),
    why="A ping to a broadcast address makes every host of the link answer. With a made-up source the answers go to"
    " somebody"
    " else, who never asked and whose line they fill.",
    innocent=(
        Innocent(
            explanation="Only the answers were captured, while the receiver pings a list of hosts.",
            tell_apart="Then identifier and sequence number count up as a ping's do, and each host answers once for"
            " each.",
        ),
    ),
    confirm=("Does a request to the broadcast address stand in front of them, and from which MAC address?",),
    references=(
        Reference(
            title="RFC 2644, Changing the Default for Directed Broadcasts", url="https://www.rfc-editor.org/rfc/rfc2644"
        ),
        Reference(
            title="ATT&CK T1498.002 Reflection Amplification", url="https://attack.mitre.org/techniques/T1498/002/"
        ),
    ),
    needs=("icmp",),
    thresholds={"sources": SOURCES, "replies": REPLIES, "asked": ASKED},
    fields=("icmp.type",),
    weight=55,
)
def unasked_echo_replies(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver."""
    replies = tables.icmp.filter(pl.col("type").is_in(ECHO_REPLIES) & pl.col("src").is_not_null())
    asked = tables.icmp.filter(pl.col("type").is_in(ECHO_REQUESTS))
    groups = [a for a in asked["dst"].drop_nulls().unique().to_list() if is_multicast(a) or str(a).endswith(".255")]
    pairs = (
        asked.filter(~pl.col("dst").is_in(groups))
        .select(pl.col("src").alias("dst"), pl.col("dst").alias("src"))
        .unique()
    )
    unasked = replies.join(pairs, on=["src", "dst"], how="anti", maintain_order="left")
    sizes = (
        unasked.group_by("dst", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("replies"), pl.col("src").n_unique().alias("sources"))
        .join(replies.group_by("dst").len(), on="dst", how="left", maintain_order="left")
        .filter(
            (pl.col("sources") >= context.limit("sources"))
            & (pl.col("replies") >= context.limit("replies"))
            & (pl.col("len") - pl.col("replies") <= context.limit("asked") * pl.col("len"))
        )
        .sort("replies", descending=True, maintain_order=True)
    )
    for receiver in sizes["dst"].to_list()[:FINDINGS]:
        mine = replies.filter(pl.col("dst") == receiver)
        senders = mine["src"].unique(maintain_order=True).to_list()
        to_group = asked.filter((pl.col("src") == receiver) & pl.col("dst").is_in(groups))
        called = (
            f" {count(to_group.height, 'request')} in its name went to {to_group['dst'][0]}." if to_group.height else ""
        )
        first, last = number(mine["time"].min()), number(mine["time"].max())
        name = "icmpv6" if ":" in receiver else "icmp"
        kind = ECHO_REPLIES[name == "icmpv6"]
        yield Draft(
            subject=receiver,
            hosts=(receiver, *senders[:10]),
            summary=f"{receiver} received {mine.height:,} ping replies from {len(senders):,} hosts"
            f" ({several(senders)}) in"
            f" {duration(last - first)}, {span(first, last)}, without having asked them: reflected pings, as in a"
            " smurf flood with its"
            f" spoofed address.{called}",
            sentence=f"{receiver} received {mine.height:,} ping replies from {len(senders):,} hosts that it had not"
            " asked",
            priority="medium",
            confidence="high" if to_group.height else "medium",
            display_filter=filters.all_of(
                filters.dst(receiver), filters.equals(f"{name}.type", kind), not_errors(tables)
            ),
            frames=frame_numbers(mine.filter(pl.col("type") == kind)),
            evidence=evidence(
                (("from", "address"), ("replies", "count"), ("first", "time"), ("frame", "frame")),
                [
                    list(row)
                    for row in mine.group_by("src", maintain_order=True)
                    .agg(pl.len().cast(pl.Int64), pl.col("time").min(), pl.col("frame").min())
                    .head(100)
                    .iter_rows()
                ],
                len(senders),
            ),
            line_up=("ip.src", "ip.ttl", "icmp.type", "icmp.ident", "icmp.seq", "frame.len"),
        )
