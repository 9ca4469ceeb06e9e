"""Was a transfer held at the size of the receiver's window?"""

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
    whole,
)
from tshark_report.story.words import clock, size, took
from tshark_report.tables.tables import Tables

TIMES = Threshold(10, "segments", "a sender that fills the window now and then is simply fast")


@rule(
    code="TCP006",
    name="full-windows",
    family="transport",
    title="Senders filled the receiver's window and had to wait for it",
    question="Was a transfer held at the size of the receiver's window?",
    answers=("Q7",),
    why=(
        "A sender may have no more data under way than the receiver's window: with a full window it sends that "
        "much once each "
        "round trip, however fast the wire is. A small fixed window on a long path, or no window scaling, limits "
        "every transfer."
    ),
    innocent=(
        Innocent(
            explanation="The receiving program limits the rate on purpose, or writes to something slow.",
            tell_apart="The window is then small only while the program is busy, and others to the same host are fast.",
        ),
        Innocent(
            explanation=(
                "The capture began after the handshake, so the window's scale is unknown and tshark takes it for "
                "smaller than it is."
            ),
            tell_apart="The stream has no SYN in the capture.",
        ),
    ),
    confirm=(
        "Window divided by round trip is the most that the connection can carry: compare it with the rate that "
        "was reached.",
        "Check that window scaling (RFC 7323) is offered in both SYNs and that no device on the way removes it.",
    ),
    references=(
        WIRESHARK_TCP,
        Reference(title="RFC 7323: TCP Extensions for High Performance", url="https://www.rfc-editor.org/rfc/rfc7323"),
    ),
    needs=("analysis",),
    thresholds={"times": TIMES},
    weight=20,
    rests_on=("handshakes",),
)
def full_windows(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver whose window was filled often."""
    full = tables.analysis.filter((pl.col("kind") == "window-full") & pl.col("stream").is_not_null())
    groups = full.group_by("dst").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("times"))
    for receiver, number_of in groups.sort(["n", "dst"], descending=[True, False]).head(FINDINGS).iter_rows():
        rows = full.filter(pl.col("dst") == receiver)
        senders = [str(s) for s in rows["src"].unique(maintain_order=True).to_list()]
        windows = tables.streams.filter(
            (pl.col("src") == receiver)
            & pl.col("stream").is_in(rows["stream"].unique().implode())
            & (pl.col("window") > 0)
        )["window"]
        sessions = tables.tcp_sessions.filter(pl.col("stream").is_in(rows["stream"].unique().implode()))
        rtt = sessions["rtt"].drop_nulls().median()
        rate = ""
        if rtt is not None and number(rtt) > 0 and windows.len():
            most = number(windows.median()) / number(rtt)
            rate = f" With a round trip of {took(number(rtt))} that is at most {size(most)} a second."
        yield Draft(
            subject=receiver,
            hosts=(receiver, *senders[:4]),
            summary=(
                f"{hosts_text(senders)} filled the receive window of {context.named(receiver)} "
                f"{count(number_of, 'time')} (window full) "
                f"from {clock(number(rows['time'].min()))} UTC, in {count(sessions.height, 'connection')}; the "
                "window was "
                f"{size(number(windows.median()))} (median). The receiver's window, not the wire, set the pace.{rate}"
            ),
            sentence=f"{context.named(receiver)} let senders wait for room in its window, {count(number_of, 'time')}",
            priority="low",
            confidence="medium" if whole(sessions["syns"].sum()) else "low",
            display_filter=filters.all_of(filters.dst(receiver), filters.exists("tcp.analysis.window_full")),
            frames=frame_numbers(rows),
            evidence=evidence(
                (
                    ("sender", "address"),
                    ("port", "port"),
                    ("receiver", "address"),
                    ("port of receiver", "port"),
                    ("times", "count"),
                    ("first frame", "frame"),
                ),
                rows.group_by("src", "src_port", "dst", "dst_port", maintain_order=True)
                .agg(pl.len(), pl.col("frame").min())
                .sort("len", descending=True, maintain_order=True)
                .rows(),
            ),
            line_up=("tcp.stream", "tcp.seq", "tcp.len", "tcp.window_size", "tcp.analysis.bytes_in_flight"),
        )
