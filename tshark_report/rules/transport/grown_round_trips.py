"""Did round trips grow under load, as they do before a narrow link with a long queue?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, number, when
from tshark_report.story.words import clock, size, took
from tshark_report.tables.tables import Tables

GROWN = Threshold(0.25, "seconds", "above the 200 ms that a receiver may hold an acknowledgement back")
FACTOR = Threshold(5, "times the unloaded round trip", "less is ordinary variation")
SAMPLES = Threshold(10, "segments", "a few late acknowledgements are a busy receiver")
SHARE = Threshold(10, "percent", "of the segments: a queue stands for a while, a hiccup does not")
NOTICED = Threshold(0.5, "seconds", "a key press that shows half a second later; calls become a conversation by turns")
LOAD = Threshold(8_000, "bytes a second", "64 kbit/s, one voice channel: slower transfers fill no queue")
BYTES = Threshold(30_000, "bytes", "a queue needs a transfer to fill it")
SHOWN_SEGMENTS = 25


@rule(
    code="TCP010",
    name="grown-round-trips",
    family="transport",
    title="Round trips grew under load: a narrow link with a long queue",
    question="Did round trips grow under load, as they do before a narrow link with a long queue?",
    answers=("Q7",),
    why=(
        "On an empty path an acknowledgement comes back after the handshake's round trip. When a transfer fills "
        "the queue before "
        "the narrowest link, each packet waits for all those before it (bufferbloat): round trips grow to many "
        "times that, "
        "although nothing is lost, and everything else on the link waits too."
    ),
    innocent=(
        Innocent(
            explanation="The receiver was busy and acknowledged late.",
            tell_apart="Then only that host is late, also while little is sent, and its other connections too.",
        ),
        Innocent(
            explanation="Somebody uses the whole link on purpose: a backup, an update.",
            tell_apart="The delay ends with that transfer.",
        ),
    ),
    confirm=(
        "Plot the round-trip time of the stream (Statistics, TCP Stream Graphs): a saw-tooth that climbs with "
        "the bytes in flight.",
        "Ping across the link with and without the transfer.",
        "Compare the rate that was reached with the link's nominal rate.",
    ),
    references=(
        Reference(
            title="Gettys, Nichols: Bufferbloat: Dark Buffers in the Internet (2011)",
            url="https://doi.org/10.1145/2063166.2071893",
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "grown": GROWN,
        "factor": FACTOR,
        "samples": SAMPLES,
        "share": SHARE,
        "noticed": NOTICED,
        "bytes": BYTES,
        "load": LOAD,
    },
    weight=28,
    rests_on=("order",),
)
def grown_round_trips(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each far host whose acknowledgements came ever later."""
    sent = tables.delays.join(tables.streams.select("frame", "src", "dst", "payload"), on="frame")
    if sent.is_empty():
        return
    sessions = tables.tcp_sessions.select("stream", "rtt", "rtt_server", "rtt_client")
    sent = sent.join(sessions, on="stream").with_columns(
        pl.when("up").then("rtt_server").otherwise("rtt_client").alias("own")
    )
    groups = (
        sent.group_by("dst")
        .agg(
            pl.col("delay").quantile(0.1).alias("p10"),
            pl.col("delay").quantile(0.9).alias("p90"),
            pl.len().alias("n"),
            pl.col("own").min().alias("base"),
            pl.col("payload").cast(pl.UInt64).sum().alias("bytes"),
            pl.col("delay").max(),
        )
        .with_columns(pl.min_horizontal("base", "p10").alias("unloaded"))
    )
    grown = groups.filter(
        pl.col("base").is_not_null()
        & (pl.col("n") >= context.limit("samples"))
        & (pl.col("bytes") >= context.limit("bytes"))
        & (pl.col("p90") >= context.limit("grown"))
        & (pl.col("p90") >= context.limit("factor") * pl.col("base"))
    ).sort(["p90", "dst"], descending=[True, False])
    for row in grown.head(FINDINGS).iter_rows(named=True):
        mine = sent.filter(pl.col("dst") == row["dst"])
        late = mine.filter(
            (pl.col("delay") >= context.limit("grown")) & (pl.col("delay") >= context.limit("factor") * row["base"])
        )
        # Loss makes acknowledgements late too, and is another rule's finding.
        lossy = tables.resent.filter(
            ~pl.col("copy") & ~pl.col("kind").is_in(["syn", "reordered"]) & (pl.col("dst") == row["dst"])
        ).height
        if 100 * late.height < context.limit("share") * mine.height or lossy > 0.02 * mine.height:
            continue
        draft = _draft(tables, context, row, late.sort("delay", descending=True))
        if draft is not None:
            yield draft


def _draft(tables: Tables, context: Context, row: dict[str, object], late: pl.DataFrame) -> Draft | None:
    host = str(row["dst"])
    peers = [str(p) for p in late["src"].unique(maintain_order=True).to_list()]
    frames = frame_numbers(late.head(SHOWN_SEGMENTS))
    p90, base = number(row["p90"]), number(row["base"])
    priority: Priority = "medium" if p90 >= context.limit("noticed") else "low"
    both = tables.streams.filter(
        ((pl.col("src") == host) | (pl.col("dst") == host)) & pl.col("stream").is_in(late["stream"].unique().implode())
    )
    span = number(both["time"].max()) - number(both["time"].min())
    rate = number(both["payload"].cast(pl.UInt64).sum()) * 8 / span if span > 0 else 0.0
    if rate < 8 * context.limit("load"):
        return None
    return Draft(
        subject=host,
        hosts=(host, *peers[:4]),
        summary=(
            f"The round trip between {hosts_text(peers)} and {context.named(host)} grew from {took(base)} "
            f"(handshake) to {took(p90)} "
            f"under load (one in ten segments waited longer, the longest {took(number(row['delay']))}; "
            f"{count(late.height, 'segment')} "
            f"beyond {took(number(late['delay'].min()))}), from {clock(number(late['time'].min()))} UTC, with no "
            "loss to speak of: a narrow "
            f"link with a long queue on this path. Throughput over these connections was {size(rate / 8)} a "
            f"second ({rate / 1e6:.2f} Mbit/s)."
        ),
        sentence=(
            f"{context.named(host)} acknowledged later and later: the round trip grew from {took(base)} to "
            f"{took(number(row['delay']))} under load"
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.frames(frames),
        frames=frames,
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "address"),
                ("to", "address"),
                ("bytes", "bytes"),
                ("acknowledged after", "seconds"),
                ("by frame", "frame"),
                ("handshake", "seconds"),
            ),
            [
                (
                    r["frame"],
                    when(r["time"]),
                    r["src"],
                    r["dst"],
                    r["payload"],
                    round(r["delay"], 6),
                    r["ack_frame"],
                    r["own"],
                )
                for r in late.iter_rows(named=True)
            ],
        ),
    )
