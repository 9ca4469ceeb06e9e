"""Did a sender repeat the same data to a receiver that no longer answered?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    FRAMES_IN_FILTER,
    RFC6298,
    WIRESHARK_TCP,
    count,
    frame_numbers,
    hosts_text,
    number,
    when,
)
from tshark_report.story.words import clock, listed, took
from tshark_report.tables.tables import Tables

AGAIN = Threshold(
    3, "retransmissions", "the timer has then doubled twice: the receiver was silent for several round trips"
)
SPAN = Threshold(1, "seconds", "shorter silences are a lost acknowledgement")
NOTICED = Threshold(3, "seconds", "a user has noticed by then")
SHARE = Threshold(
    10, "percent", "of the capture's connections: below that one silent receiver is one of many things that went on"
)

DOUBLING = (1.5, 2.8)
"""A wait is called twice the one before within these ratios: timers round, and clocks differ."""


@rule(
    code="TCP004",
    name="unacknowledged-data",
    family="transport",
    title="Data was retransmitted again and again and never acknowledged",
    question="Did a sender repeat the same data to a receiver that no longer answered?",
    answers=("Q7",),
    why=(
        "A sender whose retransmission timer runs out waits twice as long each time (exponential back-off) and "
        "gives up after "
        "minutes. As nothing at all comes back, this is no ordinary loss: the receiver, or the way to it, is "
        "gone in the "
        "middle of the connection. Applications hang until their own time-out."
    ),
    innocent=(
        Innocent(
            explanation=(
                "The receiver was switched off, suspended or left the wireless network while the connection was open."
            ),
            tell_apart="All its other connections go silent in the same second; it comes back with new ones.",
        ),
        Innocent(
            explanation="The capture holds the sender's direction only.",
            tell_apart=(
                "Then the sender would have stopped repeating: intervals that keep doubling show that nothing "
                "reached it either."
            ),
        ),
    ),
    confirm=(
        "Is the receiver up, and does its address still answer (ping, ARP)?",
        "Look for a firewall or NAT between both that forgot the connection (idle time-out) and now drops it silently.",
        "Capture at the receiver: do the retransmissions arrive?",
    ),
    references=(RFC6298, WIRESHARK_TCP),
    needs=("tcp_sessions",),
    thresholds={"again": AGAIN, "span": SPAN, "noticed": NOTICED, "share": SHARE},
    weight=37,
    rests_on=("both-sides", "no-gaps"),
)
def unacknowledged_data(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver that went silent while data was sent to it."""
    tries = tables.resent.filter(
        ~pl.col("kind").is_in(["syn", "reordered"]) & ~pl.col("copy") & ~pl.col("acked") & (pl.col("payload") > 0)
    )
    if tries.is_empty():
        return
    answers = tables.streams.select("stream", (~pl.col("up")).alias("up"), "frame")
    last = answers.group_by("stream", "up").agg(pl.col("frame").max().alias("answered"))
    tries = tries.join(last, on=["stream", "up"], how="left").filter(
        pl.col("answered").is_null() | (pl.col("answered") < pl.coalesce("original_frame", "frame"))
    )
    series = tries.group_by("stream", "up", "src", "dst", "src_port", "dst_port", "start", maintain_order=True).agg(
        pl.col("frame"),
        pl.col("time"),
        pl.col("payload").max(),
        pl.col("original_frame").drop_nulls().first().alias("original"),
        (pl.col("time") - pl.col("after")).drop_nulls().first().alias("sent"),
        pl.len().alias("again"),
    )
    series = series.with_columns(
        (pl.col("time").list.last() - pl.coalesce("sent", pl.col("time").list.first())).alias("span")
    ).filter((pl.col("again") >= context.limit("again")) & (pl.col("span") >= context.limit("span")))
    order = series.group_by("dst").agg(pl.col("span").max()).sort(["span", "dst"], descending=[True, False])
    for receiver in order["dst"].head(FINDINGS).to_list():
        yield _draft(tables, context, receiver, series.filter(pl.col("dst") == receiver).sort("span", descending=True))


def _draft(tables: Tables, context: Context, receiver: str, rows: pl.DataFrame) -> Draft:
    worst = rows.row(0, named=True)
    senders = [str(s) for s in rows["src"].unique(maintain_order=True).to_list()]
    frames = frame_numbers(rows.explode("frame"))[:FRAMES_IN_FILTER]
    start = worst["sent"] if worst["sent"] is not None else worst["time"][0]
    offsets = [t - start for t in worst["time"] if t - start > 0]
    doubling = _doubling([0.0, *offsets])
    span = number(rows["span"].max())
    heard = tables.packets.filter(pl.col("src") == receiver)
    connections, every = rows["stream"].n_unique(), max(1, tables.tcp_sessions.height)
    lowered = ""
    if span < context.limit("noticed"):
        lowered = f"it went on for {took(span)} only"
    elif 100 * connections < context.limit("share") * every:
        lowered = f"only {connections:,} of the {every:,} connections of this capture met it"
    elif not rows["up"].any() and heard.filter(pl.col("time") > start).height:
        lowered = f"{receiver} is the client and went on to use other connections: nobody waits for this data"
    priority: Priority = "low" if lowered else "medium"
    silent = heard.is_empty()
    again = int(rows["again"].sum())
    port = worst["dst_port"]
    backed = (
        "each wait about twice the one before (exponential back-off: the retransmission time-out, RTO, doubling)"
        if doubling
        else "without the doubling of a single timer"
    )
    return Draft(
        subject=f"{worst['src']} -> {receiver}",
        hosts=(receiver, *senders[:4]),
        summary=(
            f"{worst['src']} port {worst['src_port']} sent the same {count(worst['payload'], 'byte')} to "
            f"{context.named(receiver)} port {port} again and again: {count(worst['again'], 'retransmission')} "
            f"{listed([f'{o:.1f}' for o in offsets], 8)} s after the first, {backed}. They were never acknowledged; "
            + (f"no packet at all came from {receiver}: " if silent else f"{receiver} had gone silent: ")
            + f"the receiver, or the way to it, does not respond. From {clock(number(start))} UTC for {took(span)}"
            + (
                f"; {count(rows.height, 'such series', 'such series')} from {hosts_text(senders)} with {again:,} "
                "in all."
                if rows.height > 1
                else "."
            )
        ),
        sentence=(
            f"{worst['src']} sent {count(worst['payload'], 'byte')} to {context.named(receiver)} port {port}, got "
            "no answer, and "
            f"retransmitted them {count(worst['again'], 'time')} within {took(span)} without ever being acknowledged"
        ),
        priority=priority,
        confidence="high" if doubling else "medium",
        display_filter=filters.frames(frames, FRAMES_IN_FILTER),
        frames=frames,
        evidence=evidence(
            (
                ("from", "address"),
                ("port", "port"),
                ("to", "address"),
                ("port of receiver", "port"),
                ("bytes", "bytes"),
                ("first sent", "time"),
                ("retransmissions", "count"),
                ("over", "seconds"),
                ("after the first, s", "text"),
            ),
            [
                (
                    r["src"],
                    r["src_port"],
                    r["dst"],
                    r["dst_port"],
                    r["payload"],
                    when(r["sent"] if r["sent"] is not None else r["time"][0]),
                    r["again"],
                    round(r["span"], 3),
                    ", ".join(
                        f"{t - (r['sent'] if r['sent'] is not None else r['time'][0]):.1f}" for t in r["time"][:12]
                    ),
                )
                for r in rows.iter_rows(named=True)
            ],
        ),
        line_up=("tcp.stream", "tcp.seq", "tcp.ack", "tcp.len", "ip.id"),
        time=number(start),
        weight=min(6.0, span / 10),
        lowered_because=lowered,
    )


def _doubling(offsets: list[float]) -> bool:
    """Do the waits between the sendings double, as those of a retransmission timer do?"""
    waits = [b - a for a, b in zip(offsets, offsets[1:], strict=False) if b - a > 0]
    ratios = [b / a for a, b in zip(waits, waits[1:], strict=False)]
    return len(ratios) >= 2 and sum(DOUBLING[0] <= r <= DOUBLING[1] for r in ratios) >= 0.6 * len(ratios)
