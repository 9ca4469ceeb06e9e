"""Did large packets vanish where small ones passed?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, FRAMES_IN_FILTER, count, frame_numbers, number, when, whole
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

LARGE = Threshold(
    1200, "bytes of payload", "below 1,280 bytes (the least MTU of IPv6) with headers, every path must carry it"
)
AGAIN = Threshold(3, "retransmissions", "of large segments in one connection, none acknowledged")


@rule(
    code="TCP014",
    name="lost-large-segments",
    family="transport",
    title="Large packets vanished where small ones passed",
    question="Did large packets vanish where small ones passed?",
    answers=("Q7",),
    why=(
        "A tunnel or access line carries smaller packets than the hosts believe, and the ICMP message that "
        "should say so "
        "(fragmentation needed, packet too big) is filtered: a path-MTU black hole. Handshakes and small "
        "questions work, and "
        "every page or file hangs."
    ),
    innocent=(
        Innocent(
            explanation="The receiver died in the middle of the connection, so that large and small are lost alike.",
            tell_apart=(
                "Then nothing comes from it after the first lost segment; here it still acknowledges small ones."
            ),
        ),
        Innocent(
            explanation="Ordinary loss, which meets large packets more often because there are more of them.",
            tell_apart="Ordinary loss lets the second or third try pass.",
        ),
    ),
    confirm=(
        "ping -M do -s 1472 ADDRESS (Linux) or ping -f -l 1472 ADDRESS (Windows), then smaller, until it passes.",
        "Allow ICMP type 3 code 4 and ICMPv6 type 2 through the firewalls, or clamp the MSS on the tunnel.",
    ),
    references=(
        Reference(title="RFC 2923: TCP Problems with Path MTU Discovery", url="https://www.rfc-editor.org/rfc/rfc2923"),
        Reference(
            title="RFC 8899: Packetization Layer Path MTU Discovery", url="https://www.rfc-editor.org/rfc/rfc8899"
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={"large": LARGE, "again": AGAIN},
    weight=33,
    rests_on=("both-sides", "no-gaps"),
)
def lost_large_segments(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver that large segments did not reach while it answered small ones."""
    vain = tables.resent.filter(
        (pl.col("payload") > 0) & ~pl.col("acked") & ~pl.col("copy") & ~pl.col("kind").is_in(["syn", "reordered"])
    )
    small = vain.filter(pl.col("payload") < context.limit("large")).group_by("src", "dst").agg(pl.len().alias("n"))
    large = vain.filter(pl.col("payload") >= context.limit("large")).join(
        # Where small segments are repeated in vain too, it is not their size that keeps packets from arriving.
        small.filter(pl.col("n") >= context.limit("again")),
        on=["src", "dst"],
        how="anti",
    )
    if large.is_empty():
        return
    first = (
        large.group_by("stream", "up")
        .agg(
            pl.len().alias("again"),
            pl.coalesce("original_frame", "frame").min().alias("first"),
            pl.col("start").min().alias("from"),
        )
        .filter(pl.col("again") >= context.limit("again"))
    )
    # The receiver is alive: it spoke after the first large segment, in the same connection.
    answers = tables.streams.select("stream", (~pl.col("up")).alias("up"), pl.col("frame").alias("answer"))
    alive = first.join(answers, on=["stream", "up"]).filter(pl.col("answer") > pl.col("first"))
    passed = tables.streams.join(first, on=["stream", "up"]).filter(
        (pl.col("payload") > 0) & (pl.col("end") <= pl.col("from"))
    )
    streams = first.join(alive.select("stream", "up").unique(), on=["stream", "up"], how="semi")
    streams = streams.join(passed.select("stream", "up").unique(), on=["stream", "up"], how="semi")
    rows = large.join(streams.select("stream", "up"), on=["stream", "up"], how="semi")
    order = rows.group_by("dst").agg(pl.len().alias("n")).sort(["n", "dst"], descending=[True, False])
    for receiver in order["dst"].head(FINDINGS).to_list():
        mine = rows.filter(pl.col("dst") == receiver).sort("frame")
        sender = str(mine["src"][0])
        frames = frame_numbers(mine)[:FRAMES_IN_FILTER]
        size = whole(mine["length"].max())
        yield Draft(
            subject=f"{sender} -> {receiver}",
            hosts=(receiver, sender),
            summary=(
                f"{sender} sent segments of up to {whole(mine['payload'].max()):,} bytes (packets of {size:,}) to "
                f"{context.named(receiver)} and retransmitted them {count(mine.height, 'time')} without "
                "acknowledgement, while small ones "
                f"were acknowledged before and {receiver} still answered, from "
                f"{clock(number(mine['time'].min()))} UTC: large packets do "
                "not pass (path MTU black hole)."
            ),
            sentence=(
                f"{sender} sent large packets to {context.named(receiver)} that never arrived, while small ones passed"
            ),
            priority="medium",
            confidence="high" if mine.height >= 2 * context.limit("again") else "medium",
            # It explains the retransmissions that another rule counts.
            weight=12.0,
            display_filter=filters.frames(frames, FRAMES_IN_FILTER),
            frames=frames,
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("from", "address"),
                    ("to", "address"),
                    ("payload", "bytes"),
                    ("packet", "bytes"),
                ),
                [
                    (r["frame"], when(r["time"]), r["src"], r["dst"], r["payload"], r["length"])
                    for r in mine.iter_rows(named=True)
                ],
            ),
            line_up=("tcp.stream", "tcp.seq", "tcp.len", "ip.flags.df", "ip.len"),
        )
