"""Did a receiver ask again for what never came?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    CAPTURE_LOST,
    FINDINGS,
    RFC5681,
    WIRESHARK_TCP,
    count,
    frame_numbers,
    hosts_text,
    number,
    when,
)
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

DUPLICATES = Threshold(3, "duplicate ACKs", "so many in a row make a sender repeat the segment at once (RFC 5681)")
SHARE = Threshold(1, "percent", "of the stream's packets: long transfers have some such runs without harm")


@rule(
    code="TCP016",
    name="unrepaired-gaps",
    family="transport",
    title="A receiver asked again for missing data and the capture holds no answer",
    question="Did a receiver ask again for what never came?",
    answers=("Q7",),
    why=(
        "Each duplicate ACK says: data came, but not the piece that I wait for. Here no retransmission of that "
        "piece follows in "
        "the same stream: the sender does not hear the receiver, the piece is lost each time on its way, or the "
        "capture ends first."
    ),
    innocent=(
        Innocent(
            explanation="The capture ends before the retransmission.",
            tell_apart="The duplicate ACKs stand among the last packets of the capture.",
        ),
        Innocent(
            explanation="Packets overtook each other, and the missing piece came by itself a moment later.",
            tell_apart="The acknowledged point jumps forward right after, without a retransmission.",
        ),
        CAPTURE_LOST,
    ),
    confirm=(
        "Follow the stream's sequence numbers behind the gap (tcptrace graph).",
        "Capture at the sender: does it send again?",
    ),
    references=(RFC5681, WIRESHARK_TCP),
    needs=("analysis",),
    thresholds={"duplicates": DUPLICATES, "share": SHARE},
    weight=24,
    rests_on=("no-gaps",),
)
def unrepaired_gaps(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver that asked in vain."""
    asked = tables.analysis.filter((pl.col("kind") == "duplicate-ack") & pl.col("stream").is_not_null())
    asked = asked.join(tables.copies.select("frame"), on="frame", how="anti")
    if asked.is_empty():
        return
    asked = asked.join(tables.streams.select("frame", "up", "acks"), on="frame")
    runs = asked.group_by("stream", "up", "src", "dst", "acks", maintain_order=True).agg(
        pl.len().alias("n"), pl.col("frame").max().alias("last"), pl.col("frame").alias("frames"), pl.col("time").min()
    )
    runs = runs.filter(pl.col("n") >= context.limit("duplicates"))
    # The piece came after all: the acknowledged point moved on, or a segment that begins there was sent.
    reached = tables.streams.group_by("stream", "up").agg(pl.col("acks").max().alias("reached"))
    runs = runs.join(reached, on=["stream", "up"]).filter(pl.col("reached") <= pl.col("acks"))
    again = tables.resent.select("stream", (~pl.col("up")).alias("up"), pl.col("start").alias("acks"))
    runs = runs.join(again, on=["stream", "up", "acks"], how="anti")
    size = tables.tcp_sessions.select("stream", "packets")
    runs = runs.join(size, on="stream").filter(100 * pl.col("n") >= context.limit("share") * pl.col("packets"))
    order = runs.group_by("src").agg(pl.col("n").sum()).sort(["n", "src"], descending=[True, False])
    for receiver, number_of in order.head(FINDINGS).iter_rows():
        mine = runs.filter(pl.col("src") == receiver)
        senders = [str(s) for s in mine["dst"].unique(maintain_order=True).to_list()]
        frames = frame_numbers(mine.explode("frames"), "frames")[:50]
        yield Draft(
            subject=receiver,
            hosts=(*senders[:1], receiver, *senders[1:4]),
            summary=(
                f"{context.named(receiver)} asked {hosts_text(senders)} again for missing data with "
                f"{count(number_of, 'duplicate ACK')} "
                f"({count(mine.height, 'gap')}) from {clock(number(mine['time'].min()))} UTC: packets were lost, "
                "and no retransmission of "
                "them stands in the capture."
            ),
            sentence=(
                f"{context.named(receiver)} asked {hosts_text(senders, 2)} again for missing data "
                f"({count(number_of, 'duplicate ACK')}) and got none"
            ),
            priority="low",
            confidence="medium",
            display_filter=filters.frames(frames, 50),
            frames=frames,
            evidence=evidence(
                (
                    ("receiver", "address"),
                    ("sender", "address"),
                    ("duplicate ACKs", "count"),
                    ("waiting for byte", "count"),
                    ("first", "time"),
                    ("last frame", "frame"),
                ),
                [
                    (r["src"], r["dst"], r["n"], r["acks"], when(r["time"]), r["last"])
                    for r in mine.iter_rows(named=True)
                ],
            ),
            line_up=("tcp.stream", "tcp.seq", "tcp.ack", "tcp.len", "tcp.options.sack_le"),
        )
