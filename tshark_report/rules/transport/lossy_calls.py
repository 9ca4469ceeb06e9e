"""Did voice or video packets get lost or come at uneven times?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, number, when, whole
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

PACKETS = Threshold(100, "packets", "two seconds of a call; less says nothing about a share")
LOSS = Threshold(1, "percent", "ITU-T G.1020 and Y.1541: callers begin to hear it from about 1 % on")
BAD_LOSS = Threshold(3, "percent", "whole syllables go missing, whatever the phone does to hide it")
JITTER = Threshold(30, "milliseconds", "more than the buffer of a phone (20 to 40 ms) evens out")
BAD_JITTER = Threshold(60, "milliseconds", "then packets come too late to be played")
WRAP = 1 << 16
FAR = 1000
"""Sequence numbers by which one packet may jump and still belong to the same run; more is a new beginning."""
CLOCKS = {0: 8000, 3: 8000, 4: 8000, 8: 8000, 9: 8000, 18: 8000, 26: 90000, 31: 90000, 33: 90000, 34: 90000}
"""Clock of the timestamps by payload type (RFC 3551, tables 4 and 5). Others are agreed on in the call, and told by
the timestamps themselves."""
USUAL_CLOCKS = (8000, 16000, 32000, 44100, 48000, 90000)


def calls(tables: Tables) -> pl.DataFrame:
    """One row for each RTP stream: packets, expected, lost, out of order, jitter (RFC 3550) in ms."""
    rows = tables.rtp.filter(
        pl.col("sequence").is_not_null() & pl.col("source").is_not_null() & pl.col("src").is_not_null()
    )
    key = ["src", "src_port", "dst", "dst_port", "source"]
    # A frame recorded twice is no second packet.
    rows = rows.sort("frame").unique([*key, "sequence", "timestamp"], keep="first", maintain_order=True)
    step = pl.col("sequence").diff().over(key)
    # The shortest way round the circle of 65,536 numbers.
    step = (step + WRAP // 2).mod(WRAP) - WRAP // 2
    rows = rows.with_columns(step.fill_null(0).alias("step"))
    rows = rows.with_columns((pl.col("step").abs() > FAR).alias("anew"))
    rows = rows.with_columns(
        pl.when("anew").then(0).otherwise(pl.col("step")).cum_sum().over(key).alias("place"),
        pl.col("anew").cum_sum().over(key).alias("run"),
    )
    run = [*key, "run"]
    per_run = rows.group_by(run, maintain_order=True).agg(
        (pl.col("place").max() - pl.col("place").min() + 1).alias("expected"), pl.len().cast(pl.Int64).alias("packets")
    )
    loss = per_run.group_by(key, maintain_order=True).agg(
        pl.col("expected").sum(),
        pl.col("packets").sum(),
        (pl.col("expected") - pl.col("packets")).clip(0).sum().alias("lost"),
    )
    told = rows.group_by(key, maintain_order=True).agg(
        (pl.col("step") < 0).sum().cast(pl.Int64).alias("reordered"),
        pl.col("time").first().alias("first"),
        pl.col("time").last().alias("last"),
        pl.col("kind").mode().sort().first(),
        pl.col("time").diff().max().alias("gap"),
    )
    counted = loss.join(told, on=key, maintain_order="left")
    return counted.join(_jitter(rows, key), on=key, how="left", maintain_order="left")


def _jitter(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Mean deviation of the packets' spacing from that of their timestamps, smoothed as RFC 3550 (6.4.1) says."""
    spaced = rows.with_columns(
        pl.col("time").diff().over(key).alias("waited"), pl.col("timestamp").diff().over(key).alias("ticks")
    ).filter((pl.col("step") == 1) & (pl.col("ticks") >= 0))
    clock_of = spaced.filter((pl.col("ticks") > 0) & (pl.col("waited") > 0)).group_by(key, maintain_order=True).agg(
        (pl.col("ticks").sum() / pl.col("waited").sum()).alias("rate"), pl.col("kind").first()
    )  # fmt: skip
    rates = [_clock(kind, rate) for kind, rate in clock_of.select("kind", "rate").iter_rows()]
    clock_of = clock_of.select(key).with_columns(pl.Series("clock", rates, dtype=pl.Float64))
    deviated = spaced.join(clock_of, on=key, maintain_order="left").with_columns(
        (pl.col("waited") - pl.col("ticks") / pl.col("clock")).abs().alias("deviation")
    )
    # Pauses in speech: the first packet after one begins a new spell, and its spacing says nothing.
    deviated = deviated.filter(pl.col("ticks") <= pl.col("clock") * 0.2)
    smooth = 1000 * pl.col("deviation").ewm_mean(alpha=1 / 16, adjust=False)
    return deviated.group_by(key, maintain_order=True).agg(smooth.mean().alias("jitter"))


def _clock(kind: int | None, rate: float) -> float:
    """Ticks a second of a stream's timestamps: by its payload type, else the usual clock nearest to what was seen."""
    if kind in CLOCKS:
        return float(CLOCKS[kind])
    return float(min(USUAL_CLOCKS, key=lambda usual: abs(usual - rate)))


@rule(
    code="APP007",
    name="lossy-calls",
    family="transport",
    title="Packets of voice or video calls were lost or came unevenly",
    question="Did calls lose packets or get them at uneven times?",
    answers=("Q7",),
    why=(
        "RTP numbers its packets, so what is missing on the way to the capture point can be counted, and its "
        "timestamps say when each packet should have come. From about 1 % loss or 30 ms of jitter on people hear it; "
        "the cause is a full or slow link before the capture point, or a sender that does not keep time."
    ),
    innocent=(
        Innocent(
            explanation="The capture itself lost packets.",
            tell_apart="TCP connections of the same minutes show acknowledged data that the capture does not hold.",
        ),
        Innocent(
            explanation="Silence suppression: nothing is sent while nobody speaks.",
            tell_apart="The sequence numbers go on without a hole, only the timestamps jump; that is not counted here.",
        ),
    ),
    confirm=(
        "Telephony, RTP, RTP Streams in Wireshark shows loss and jitter by stream, and plays it.",
        "Capture at the other end: which part of the way loses them? Compare both directions.",
        "Look whether the packets keep their DSCP mark (EF for voice) on the whole way.",
    ),
    references=(
        Reference(title="RFC 3550: RTP, 6.4.1 and A.8 (loss, jitter)", url="https://www.rfc-editor.org/rfc/rfc3550"),
        Reference(title="ITU-T G.114: One-way transmission time", url="https://www.itu.int/rec/T-REC-G.114"),
        Reference(title="ITU-T Y.1541: Network performance objectives", url="https://www.itu.int/rec/T-REC-Y.1541"),
    ),
    needs=("rtp",),
    fields=("rtp.seq", "rtp.ssrc", "rtp.timestamp"),
    thresholds={
        "packets": PACKETS,
        "loss": LOSS,
        "bad_loss": BAD_LOSS,
        "jitter": JITTER,
        "bad_jitter": BAD_JITTER,
    },
    weight=34,
    rests_on=("no-gaps", "order"),
)
def lossy_calls(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each pair of hosts: both directions of a call, and all its streams, are one event."""
    every = calls(tables).with_columns((100 * pl.col("lost") / pl.col("expected")).alias("share"))
    every = every.filter(pl.col("packets") >= context.limit("packets"))
    poor = every.filter(
        (pl.col("share") >= context.limit("loss")) | (pl.col("jitter").fill_null(0.0) >= context.limit("jitter"))
    )
    if poor.is_empty():
        return
    poor = poor.with_columns(
        pl.min_horizontal("src", "dst").alias("one"), pl.max_horizontal("src", "dst").alias("other")
    )
    order = poor.group_by("one", "other", maintain_order=True).agg(pl.col("lost").sum(), pl.col("share").max())
    for one, other in order.sort(["share", "lost"], descending=True).select("one", "other").head(FINDINGS).iter_rows():
        mine = poor.filter((pl.col("one") == one) & (pl.col("other") == other)).sort("share", descending=True)
        both = every.filter(pl.col("src").is_in([one, other]) & pl.col("dst").is_in([one, other]))
        yield _draft(tables, context, mine, both.height)


def _draft(tables: Tables, context: Context, mine: pl.DataFrame, streams: int) -> Draft:
    worst = mine.row(0, named=True)
    jitter = number(mine["jitter"].max())
    heard = number(worst["share"]) >= context.limit("bad_loss") or jitter >= context.limit("bad_jitter")
    priority: Priority = "medium" if heard else "low"
    told = "; ".join(_told(r) for r in mine.head(3).iter_rows(named=True))
    more = f"; {mine.height - 3} more" if mine.height > 3 else ""
    ends = (str(worst["src"]), str(worst["dst"]))
    frames = tables.rtp.join(mine.head(SHOWN), on=["src", "src_port", "dst", "dst_port", "source"], how="semi")
    parts = [
        filters.all_of(
            filters.src(str(r["src"])),
            filters.dst(str(r["dst"])),
            filters.src_port("udp", int(r["src_port"])),
            filters.dst_port("udp", int(r["dst_port"])),
            filters.equals_hex("rtp.ssrc", int(r["source"])),
        )
        for r in mine.head(SHOWN).iter_rows(named=True)
    ]
    return Draft(
        subject=f"{min(ends)} and {max(ends)}",
        hosts=ends,
        summary=(
            f"{count(mine.height, 'RTP stream')} of {streams:,} between {context.named(ends[0])} and "
            f"{context.named(ends[1])} lost packets or had uneven timing, from {clock(number(mine['first'].min()))} to "
            f"{clock(number(mine['last'].max()))} UTC: {told}{more}. Counted at the capture point: what is missing was "
            "lost before it."
        ),
        sentence=(
            f"{context.named(ends[0])} began a call stream to {context.named(ends[1])} of which "
            f"{number(worst['share']):.1f} % was lost, with {number(worst['jitter']):.0f} ms of jitter"
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.any_of(*parts),
        frames=frame_numbers(frames),
        evidence=evidence(
            (
                ("from", "address"),
                ("port", "port"),
                ("to", "address"),
                ("to port", "port"),
                ("SSRC", "hex"),
                ("payload type", "count"),
                ("packets", "count"),
                ("lost", "count"),
                ("out of order", "count"),
                ("mean jitter ms", "count"),
                ("longest gap", "seconds"),
                ("first", "time"),
            ),
            [
                (
                    r["src"],
                    r["src_port"],
                    r["dst"],
                    r["dst_port"],
                    f"0x{r['source']:08x}",
                    r["kind"],
                    r["packets"],
                    r["lost"],
                    r["reordered"],
                    round(number(r["jitter"]), 1),
                    round(number(r["gap"]), 3),
                    when(r["first"]),
                )
                for r in mine.iter_rows(named=True)
            ],
        ),
        line_up=("rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.p_type", "frame.time_delta_displayed", "ip.dsfield.dscp"),
    )


SHOWN = 8
"""Streams that the display filter names."""


def _told(row: dict[str, object]) -> str:
    return (
        f"from {row['src']} port {row['src_port']} {whole(row['lost']):,} of {whole(row['expected']):,} packets lost "
        f"({number(row['share']):.1f} %), {whole(row['reordered']):,} out of order, jitter "
        f"{number(row['jitter']):.0f} ms on average, longest pause {took(number(row['gap']))}"
    )
