"""Did a receiver tell its sender to stop because it could not keep up?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    FRAMES_IN_FILTER,
    RFC9293,
    WIRESHARK_TCP,
    count,
    frame_numbers,
    hosts_text,
    number,
    times,
    when,
)
from tshark_report.story.words import clock, took
from tshark_report.tables.sessions import FIN, RST, SYN
from tshark_report.tables.tables import Tables

STALLED = Threshold(1, "seconds", "a pause of a second interrupts the user's train of thought (Nielsen, 1993)")
EPISODES = Threshold(1, "episodes", "a single zero window already says who the bottleneck was, though shortly")
EARLIER = 3
"""Windows before the zero that the summary tells."""


@rule(
    code="TCP005",
    name="zero-windows",
    family="transport",
    title="A receiver closed its window: it could not keep up",
    question="Did a receiver tell its sender to stop because it could not keep up?",
    answers=("Q7",),
    why=(
        "The receive window says how much room is left for data that the receiving program has not read yet. A "
        "zero window "
        "stops the sender: the bottleneck is the receiving host or its program, neither the wire nor the sender. "
        "A window "
        "update ends the pause."
    ),
    innocent=(
        Innocent(
            explanation=(
                "A player, printer or backup program takes data at its own pace and fills its buffer on purpose."
            ),
            tell_apart="Zero windows then come in a steady rhythm over the whole transfer, and nobody waits for it.",
        ),
        Innocent(
            explanation="The user suspended the program, or it was just writing to disk.",
            tell_apart="One pause, then a large window update and full speed.",
        ),
    ),
    confirm=(
        "Look at the receiving host in those minutes: processor, disk, memory, and what its program was doing.",
        "Plot Window Scaling (Statistics, TCP Stream Graphs) of the stream: does the window shrink step by step?",
        "Compare with another client of the same server.",
    ),
    references=(RFC9293, WIRESHARK_TCP),
    needs=("analysis",),
    thresholds={"stalled": STALLED, "episodes": EPISODES},
    weight=32,
    rests_on=("handshakes",),
)
def zero_windows(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver that closed its window while the connection was in use."""
    found = _episodes(tables)
    if found.is_empty():
        return
    groups = (
        found.group_by("src")
        .agg(pl.col("stalled").sum(), pl.len().alias("n"))
        .filter(pl.col("n") >= context.limit("episodes"))
    )
    for receiver, *_ in groups.sort(["stalled", "src"], descending=[True, False]).head(FINDINGS).iter_rows():
        yield _draft(tables, context, receiver, found.filter(pl.col("src") == receiver))


def _episodes(tables: Tables) -> pl.DataFrame:
    """Times in which a receiver's window was zero: packets that closed it, with `stalled` and `update_frame`.

    `stalled` ends with the packet that opens the window again, or with the stream's last packet.
    """
    zero = tables.analysis.filter(pl.col("kind") == "zero-window").select("frame")
    marked = tables.streams.join(zero, on="frame", how="semi").filter((pl.col("flags") & (FIN | RST | SYN)) == 0)
    if marked.is_empty():
        return pl.DataFrame()
    near = tables.streams.join(marked.select("stream", "up").unique(), on=["stream", "up"], how="semi").filter(
        (pl.col("flags") & (RST | SYN)) == 0
    )
    near = near.sort("stream", "up", "frame").with_columns((pl.col("window") == 0).alias("zero"))
    changed = near.filter((pl.col("zero") != pl.col("zero").shift(1).over("stream", "up")).fill_null(pl.col("zero")))
    changed = (
        changed.with_columns(
            pl.col("time").shift(-1).over("stream", "up").alias("opened"),
            pl.col("frame").shift(-1).over("stream", "up").alias("update_frame"),
            pl.col("window").shift(-1).over("stream", "up").alias("window_after"),
        )
        .filter("zero")
        .join(marked.select("stream", "up").unique(), on=["stream", "up"], how="semi")
    )
    # A window that goes to zero with the FIN is a connection being closed.
    changed = changed.filter((pl.col("flags") & FIN) == 0)
    ends = tables.streams.group_by("stream").agg(pl.col("time").max().alias("stream_end"))
    return (
        changed.join(ends, on="stream", maintain_order="left")
        .with_columns((pl.coalesce("opened", "stream_end") - pl.col("time")).alias("stalled"))
        .sort("frame")
    )


def _draft(tables: Tables, context: Context, receiver: str, rows: pl.DataFrame) -> Draft:
    senders = [str(s) for s in rows["dst"].unique(maintain_order=True).to_list()]
    stalled, longest = number(rows["stalled"].sum()), number(rows["stalled"].max())
    priority: Priority = "medium" if stalled >= context.limit("stalled") else "low"
    worst = rows.sort("stalled", descending=True).row(0, named=True)
    shown = rows.sort("stalled", descending=True).head(FRAMES_IN_FILTER // 2)
    frames = sorted({*frame_numbers(shown), *frame_numbers(shown, "update_frame")})
    before = tables.streams.filter(
        (pl.col("stream") == worst["stream"])
        & (pl.col("up") == worst["up"])
        & (pl.col("frame") < worst["frame"])
        & ((pl.col("flags") & (SYN | RST)) == 0)
    )["window"].tail(EARLIER)
    shrink = " - ".join(f"{w:,}" for w in [*before.to_list(), 0])
    open_ended = rows.filter(pl.col("update_frame").is_null()).height
    if worst["update_frame"] is not None:
        end = (
            f"a window update in frame {worst['update_frame']} ({worst['window_after']:,} bytes) came "
            f"{took(worst['stalled'])} "
            "later and the transfer recovered"
        )
    else:
        end = f"no window update followed in the remaining {took(worst['stalled'])} of the stream"
    return Draft(
        subject=receiver,
        hosts=(receiver, *senders[:4]),
        title="A receiver could not keep up: zero window",
        summary=(
            f"{context.named(receiver)} announced a zero window to {hosts_text(senders)} {times(rows.height)}, "
            "first at "
            f"{clock(number(rows['time'].min()))} UTC; its receive window went {shrink} bytes, then {end}. The sender "
            f"{worst['dst']} port {worst['dst_port']} had to wait {took(stalled)} in all ({took(longest)} at "
            "most): the bottleneck "
            f"is the receiver {receiver} (its host or program), neither the wire nor the sender."
            + (f" {count(open_ended, 'time')} the window stayed closed." if open_ended else "")
        ),
        sentence=(
            f"{context.named(receiver)} could not keep up and closed its receive window (zero window), so that "
            f"{worst['dst']} had to wait {took(stalled)}"
        ),
        priority=priority,
        confidence="high",
        display_filter=filters.frames(frames, FRAMES_IN_FILTER),
        frames=frames,
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("receiver", "address"),
                ("port", "port"),
                ("sender", "address"),
                ("port of sender", "port"),
                ("closed for", "seconds"),
                ("window update in", "frame"),
                ("window then", "bytes"),
            ),
            [
                (
                    r["frame"],
                    when(r["time"]),
                    r["src"],
                    r["src_port"],
                    r["dst"],
                    r["dst_port"],
                    round(r["stalled"], 6),
                    r["update_frame"],
                    r["window_after"],
                )
                for r in rows.sort("stalled", descending=True).iter_rows(named=True)
            ],
        ),
        line_up=("tcp.stream", "tcp.ack", "tcp.len", "tcp.window_size", "tcp.window_size_value"),
        weight=min(6.0, stalled),
        lowered_because="" if priority == "medium" else f"the pauses add up to {took(stalled)}, which nobody notices",
    )
