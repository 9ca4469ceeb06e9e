"""Do packets stand in another order than they were sent in?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    WIRESHARK_TCP,
    count,
    frame_numbers,
    hosts_text,
    number,
    when,
)
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

PACKETS = Threshold(10, "packets", "a few overtaken packets disturb nobody")
SHARE = Threshold(1, "percent", "of the packets with data between two hosts")
SHOWN_PACKETS = 50


@rule(
    code="NET010",
    name="reordered-packets",
    family="transport",
    title="Packets stand in another order than they were sent in",
    question="Do packets stand in another order than they were sent in?",
    answers=("Q7", "Q10"),
    why=(
        "The sender's IP ID counter shows that these packets left before the ones that they follow here: they "
        "were overtaken, not "
        "sent again. tshark calls many of them retransmissions. Two paths of different length, or a capture put "
        "together from "
        "several queues or files, do that; receivers answer with duplicate ACKs and senders may slow down."
    ),
    innocent=(
        Innocent(
            explanation=(
                "A card with several receive queues, or a merged file, mixes the recording; on the wire the "
                "order was right."
            ),
            tell_apart="Then the receivers send no duplicate ACKs.",
        ),
        Innocent(
            explanation="Two links share the load packet by packet.",
            tell_apart="The overtaken packets are late by about the same time each.",
        ),
    ),
    confirm=("reordercap sorts a capture by time: are they still out of order?", "Capture on one link only."),
    references=(
        WIRESHARK_TCP,
        Reference(
            title=(
                "Jaiswal et al.: Measurement and Classification of Out-of-Sequence Packets in a Tier-1 IP "
                "Backbone (2007)"
            ),
            url="https://doi.org/10.1109/TNET.2006.890117",
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={"packets": PACKETS, "share": SHARE},
    weight=6,
    rests_on=("order",),
)
def reordered_packets(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each two hosts whose packets were overtaken."""
    ends = [pl.min_horizontal("src", "dst").alias("a"), pl.max_horizontal("src", "dst").alias("b")]
    late = tables.resent.filter((pl.col("kind") == "reordered") & ~pl.col("copy")).with_columns(ends)
    if late.is_empty():
        return
    # Counted one way first: putting the two ends of each packet in order takes longer than counting.
    one_way = tables.streams.lazy().filter(pl.col("payload") > 0).group_by("src", "dst").agg(pl.len().alias("all"))
    data = one_way.collect().group_by(ends).agg(pl.col("all").sum())
    groups = late.group_by("a", "b").agg(pl.len().alias("n")).join(data, on=["a", "b"])
    groups = groups.filter(
        (pl.col("n") >= context.limit("packets")) & (100 * pl.col("n") >= context.limit("share") * pl.col("all"))
    )
    for a, b, number_of, total in groups.sort(["n", "a"], descending=[True, False]).head(FINDINGS).iter_rows():
        rows = late.filter((pl.col("a") == a) & (pl.col("b") == b)).sort("frame")
        first, other = str(rows["server"][0]), str(rows["client"][0])
        shown = frame_numbers(rows)[:SHOWN_PACKETS]
        yield Draft(
            subject=f"{first} and {other}",
            hosts=(first, other),
            summary=(
                f"{number_of:,} of {count(total, 'data packet')} between {context.named(first)} and {other} stand "
                "behind packets that were sent "
                f"after them (their IP ID is older), from {clock(number(rows['time'].min()))} UTC: overtaken or "
                "recorded out of order, not lost, "
                "although tshark calls them retransmissions."
            ),
            sentence=(
                f"{hosts_text((first, other))} exchanged packets that stand in the capture out of order ({number_of:,})"
            ),
            priority="info",
            confidence="medium",
            display_filter=filters.frames(shown, SHOWN_PACKETS),
            frames=shown,
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("from", "address"),
                    ("to", "address"),
                    ("relative sequence", "count"),
                    ("bytes", "bytes"),
                ),
                [
                    (r["frame"], when(r["time"]), r["src"], r["dst"], r["start"], r["payload"])
                    for r in rows.head(200).iter_rows(named=True)
                ],
                rows.height,
            ),
            line_up=("tcp.stream", "ip.id", "tcp.seq", "tcp.len"),
        )
