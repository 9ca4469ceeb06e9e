"""Did packets run in circles, or only a traceroute?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    RFC792,
    count,
    frame_numbers,
    hosts_text,
    number,
    when,
    whole,
)
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

MESSAGES = Threshold(5, "messages", "a few are a traceroute's steps or a stray packet")
REPORTERS = Threshold(
    4, "routers", "a traceroute is told by each router on the way, a loop by the one or two routers in it"
)
LOOP = Threshold(10, "messages", "about one destination: a traceroute of three probes a hop gives a router three")
LOOP_SPAN = Threshold(10, "seconds", "a change of routes is over in less, and a traceroute asks each router only once")
PROBE_TTL = 30
"""TTL from which a packet is no probe: no path in the Internet is longer (traceroute's own limit is 30 hops)."""
ROUNDS = Threshold(4, "passes", "of one packet through the capture point with falling TTL: a router that sends it back")


@rule(
    code="NET005",
    name="exceeded-ttl",
    family="transport",
    title="Packets used up their time to live before they arrived",
    question="Did packets run in circles, or only a traceroute?",
    answers=("Q7",),
    why=(
        "Two routers that each believe the other to be nearer send a packet back and forth until its TTL is used "
        "up. The "
        "destination is unreachable, and the loop multiplies the load on the link between them."
    ),
    innocent=(
        Innocent(
            explanation="Traceroute (or mtr, or a monitoring probe) sends packets with a small TTL on purpose.",
            tell_apart="Many routers report, each a few times, for one destination, and the probes' TTL counts up.",
        ),
        Innocent(
            explanation="A routing change of some seconds.",
            tell_apart="It ends by itself and the destination answers again.",
        ),
    ),
    confirm=("Trace the route: do two routers alternate?", "Compare the routing tables of the routers that report."),
    references=(RFC792,),
    needs=("icmp", "packets"),
    thresholds={"messages": MESSAGES, "reporters": REPORTERS, "rounds": ROUNDS, "loop": LOOP, "loop_span": LOOP_SPAN},
    weight=24,
)
def exceeded_ttl(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each destination that packets did not reach, and one for packets seen going round."""
    yield from _circling(tables, context)
    six = pl.col("src").str.contains(":", literal=True)
    rows = tables.icmp.filter(((~six & (pl.col("type") == 11)) | (six & (pl.col("type") == 3))) & (pl.col("code") == 0))
    if rows.is_empty():
        return
    rows = rows.with_columns(pl.col("all_dst").list.last().alias("target"))
    groups = (
        rows.group_by("dst")
        .agg(
            pl.len().alias("n"),
            pl.col("src").n_unique().alias("reporters"),
            pl.col("target").n_unique().alias("targets"),
        )
        .filter(pl.col("n") >= context.limit("messages"))
    )
    for asker, number_of, reporters, _ in (
        groups.sort(["n", "dst"], descending=[True, False]).head(FINDINGS).iter_rows()
    ):
        mine = rows.filter(pl.col("dst") == asker)
        routers = [str(s) for s in mine["src"].unique(maintain_order=True).to_list()]
        targets = [str(t) for t in mine["target"].drop_nulls().unique(maintain_order=True).to_list()]
        tracing = reporters >= context.limit("reporters")
        looping = not tracing and _looping(tables, context, str(asker), targets, mine)
        priority: Priority = "info" if tracing else "medium" if looping else "low"
        version6 = ":" in str(asker)
        yield Draft(
            subject=asker,
            hosts=(asker, *targets[:2], *routers[:3]),
            title="A route was traced (time to live exceeded)"
            if tracing
            else "Packets ran in circles: their time to live was used up again and again, whatever was sent"
            if looping
            else "Packets used up their time to live before they arrived",
            summary=(
                f"{hosts_text(routers)} told {asker} {count(number_of, 'time')} that packets to "
                f"{hosts_text(targets) or 'their destination'} used up "
                f"their time to live, from {clock(number(mine['time'].min()))} UTC: "
                + (
                    "many routers report, as for a traceroute."
                    if tracing
                    else f"a routing loop by its shape. They were sent with a full TTL (no probes), for "
                    f"{took(number(mine['time'].max()) - number(mine['time'].min()))}, and nothing came back."
                    if looping
                    else "so few routers report that it may be a routing loop between them."
                )
            ),
            sentence=f"{asker} learned from {hosts_text(routers, 2)} that its packets used up their time to live",
            priority=priority,
            confidence="medium",
            display_filter=filters.all_of(
                filters.equals("icmpv6.type", 3) if version6 else filters.equals("icmp.type", 11),
                filters.equals("icmpv6.code", 0) if version6 else filters.equals("icmp.code", 0),
                filters.dst(asker),
            ),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("router", "address"),
                    ("told", "address"),
                    ("destination", "address"),
                ),
                [(r["frame"], when(r["time"]), r["src"], asker, r["target"]) for r in mine.iter_rows(named=True)],
            ),
        )


def _looping(tables: Tables, context: Context, asker: str, targets: list[str], told: pl.DataFrame) -> bool:
    """Many messages over a while about packets with a full TTL, to destinations that never sent anything back."""
    span = number(told["time"].max()) - number(told["time"].min())
    if told.height < context.limit("loop") or span < context.limit("loop_span") or not targets:
        return False
    sent = near.packets(tables, (pl.col("src") == asker) & pl.col("dst").is_in(targets), "ttl")["ttl"].drop_nulls()
    back = near.packets(tables, pl.col("src").is_in(targets) & (pl.col("dst") == asker), "frame")
    return bool(sent.len()) and number(sent.min()) >= PROBE_TTL and back.is_empty()


def _circling(tables: Tables, context: Context) -> Iterator[Draft]:
    """One packet that passed the capture point several times, its TTL lower each time."""
    key = ["src", "dst", "ip_id", "ip_length", "fragment_offset"]
    # Nearly all packets pass once: one number for the five counts them fast, and only the others are looked at.
    numbered = tables.packets.lazy().filter(pl.col("ip_id").fill_null(0) != 0)
    counted = numbered.select(pl.col("frame"), pl.struct(key).hash().alias("same")).collect()
    often = counted.group_by("same").agg("frame").filter(pl.col("frame").list.len() >= context.limit("rounds"))
    again = often["frame"].explode().implode()
    whole_packets = numbered.filter(pl.col("frame").is_in(again)).select("frame", "time", "ttl", *key).collect()
    passes = (
        whole_packets.group_by(key)
        .agg(
            pl.len().alias("n"),
            pl.col("ttl").n_unique().alias("ttls"),
            pl.col("ttl").min().alias("least"),
            pl.col("ttl").max().alias("most"),
            (pl.col("time").max() - pl.col("time").min()).alias("span"),
        )
        .filter((pl.col("ttls") >= context.limit("rounds")) & (pl.col("ttls") == pl.col("n")) & (pl.col("span") <= 5))
    )
    # A router lowers it by one (or the loop's length by more) each time; a random TTL falls and rises.
    falling = whole_packets.join(passes.select(key), on=key, how="semi").sort("frame")
    steps = falling.group_by(key).agg((pl.col("ttl").cast(pl.Int16).diff().drop_nulls() < 0).all().alias("down"))
    passes = passes.join(steps.filter("down").select(key), on=key, how="semi")
    if passes.is_empty():
        return
    pairs = passes.group_by("src", "dst").agg(
        pl.len().alias("n"), pl.col("ttls").max(), pl.col("least").min(), pl.col("most").max()
    )
    for src, dst, number_of, rounds, least, most in (
        pairs.sort(["n", "src", "dst"], descending=[True, False, False]).head(FINDINGS).iter_rows()
    ):
        mine = falling.join(passes.select(key), on=key, how="semi").filter(
            (pl.col("src") == src) & (pl.col("dst") == dst)
        )
        frames = frame_numbers(mine)[:50]
        yield Draft(
            subject=f"{src} -> {dst} in circles",
            hosts=(src, dst),
            title="Packets ran in circles: a routing loop",
            summary=(
                f"{count(number_of, 'packet')} from {src} to {context.named(dst)} passed the capture point up to "
                f"{rounds:,} times with the same IP ID "
                f"and a TTL that fell from {most} to {least}, from {clock(number(mine['time'].min()))} UTC: a "
                "routing loop."
            ),
            sentence=(
                f"{src} sent packets to {context.named(dst)} that came past up to {rounds:,} times, each time "
                "with a lower TTL"
            ),
            priority="medium",
            confidence="high",
            display_filter=filters.frames(frames, 50),
            frames=frames,
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("from", "address"),
                    ("to", "address"),
                    ("IP ID", "hex"),
                    ("TTL", "count"),
                ),
                [
                    (r["frame"], when(r["time"]), src, dst, f"0x{whole(r['ip_id']):04x}", r["ttl"])
                    for r in mine.iter_rows(named=True)
                ],
            ),
            line_up=("ip.id", "ip.ttl", "eth.src", "eth.dst"),
        )
