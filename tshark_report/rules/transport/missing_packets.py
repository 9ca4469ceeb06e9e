"""Does the capture lack packets that the hosts received?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import WIRESHARK_TCP, count, frame_numbers, hosts_text, number
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

UNSEEN = Threshold(3, "acknowledgements", "one or two stand at the edge of many captures")


@rule(
    code="NET007",
    name="missing-packets",
    family="transport",
    title="The capture lacks packets that the hosts received",
    question="Does the capture lack packets that the hosts received?",
    answers=("Q7", "Q11"),
    why=(
        "An acknowledgement of data that is not in the capture means that the receiver had it: the packet was "
        "lost by the "
        "recording, not by the network. Gaps, retransmissions and missing answers of this capture are then no "
        "proof of loss, "
        "and files taken out of it may be incomplete."
    ),
    innocent=(
        Innocent(
            explanation="Packets took another path that the capture point does not see.",
            tell_apart="Then one direction of a connection is missing altogether.",
        ),
        Innocent(
            explanation="The connection began before the capture.",
            tell_apart="The unseen data is acknowledged in the connection's first packets only.",
        ),
    ),
    confirm=(
        "Ask the capturing program for its drop counter (capinfos shows it for pcapng).",
        "Capture with a larger buffer or a filter, or at a faster disk.",
    ),
    references=(WIRESHARK_TCP,),
    needs=("tcp_sessions",),
    thresholds={"unseen": UNSEEN},
    weight=5,
    rests_on=("order",),
)
def missing_packets(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for the whole capture."""
    rows = tables.analysis.filter(pl.col("kind") == "acked-unseen")
    if rows.height < context.limit("unseen"):
        return
    by_pair = (
        rows.group_by("src", "dst", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col("frame").min().alias("first"))
        .sort("n", descending=True, maintain_order=True)
    )
    gaps = tables.analysis.filter(pl.col("kind") == "lost-segment").height
    hosts = [str(h) for h in by_pair["src"].drop_nulls().unique(maintain_order=True).to_list()]
    yield Draft(
        subject="capture",
        hosts=tuple(hosts[:4]),
        summary=(
            f"{count(rows.height, 'packet')} of {hosts_text(hosts)} acknowledge data that this capture does not "
            "hold, from "
            f"{clock(number(rows['time'].min()))} UTC; {count(gaps, 'gap')} in sequence numbers stand beside "
            "them. Part of the loss seen here is the "
            "recording's own."
        ),
        sentence=f"{hosts_text(hosts, 2)} acknowledged data that the capture does not hold ({rows.height:,} times)",
        priority="info",
        confidence="high",
        display_filter=filters.exists("tcp.analysis.ack_lost_segment"),
        frames=frame_numbers(rows),
        evidence=evidence(
            (("acknowledged by", "address"), ("sent by", "address"), ("times", "count"), ("first frame", "frame")),
            by_pair.rows(),
        ),
    )
