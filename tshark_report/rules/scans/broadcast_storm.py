"""Do the same broadcasts go round and round?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import busiest, frame_numbers, number, span
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

RATE = Threshold(500, "broadcast frames a second", "a busy network of hundreds of hosts has some tens")
SHARE = Threshold(0.5, "share of the frames in that second", "in a storm there is room for little else")
REPEAT = Threshold(20, "times the same frame", "a loop sends one frame round and round; many hosts send different ones")


@rule(
    code="LNK004",
    name="broadcast-storm",
    family="scans",
    title="Broadcast frames filled the link (broadcast storm)",
    question="Do broadcasts go round in a loop?",
    answers=("Q7",),
    why="Broadcasts go to every port. In a loop of switches one frame is copied without end until the link is full"
    " and nothing"
    " else gets through.",
    innocent=(
        Innocent(
            explanation="Many machines start at the same time, after a power cut.",
            tell_apart="Each frame comes from another host, and it ends after a minute.",
        ),
        Innocent(
            explanation="Imaging or update software that multicasts a disk to many machines.",
            tell_apart="One source, one group, large packets of different content.",
        ),
    ),
    confirm=(
        "Is the same frame seen again with the same IP ID?",
        "Look for a second cable between two switches; is spanning tree on?",
    ),
    references=(Reference(title="IEEE 802.1D, spanning tree", url="https://standards.ieee.org/ieee/802.1D/3387/"),),
    needs=("packets",),
    thresholds={"rate": RATE, "share": SHARE, "repeat": REPEAT},
    fields=("eth.dst",),
    weight=60,
)
def broadcast_storm(tables: Tables, context: Context) -> Iterator[Draft]:
    """At most one finding: a storm fills the link."""
    rows = tables.packets.filter(pl.col("eth_dst") == "ff:ff:ff:ff:ff:ff")
    if rows.height < context.limit("rate") or busiest(rows["time"], 1.0) < context.limit("rate"):
        return
    second = (
        rows.with_columns(pl.col("time").floor().alias("second"))
        .group_by("second", maintain_order=True)
        .len()
        .sort("len", descending=True, maintain_order=True)["second"][0]
    )
    all_then = tables.packets.filter(pl.col("time").floor() == second).height
    peak = busiest(rows["time"], 1.0)
    if peak < context.limit("share") * all_then:
        return
    arp = tables.arp.select("frame", "sender", "target", "opcode")
    same = (
        rows.join(arp, on="frame", how="left")
        .group_by(
            "eth_src", "src", "dst", "ip_id", "length", "protocol", "sender", "target", "opcode", maintain_order=True
        )
        .len()
        .sort("len", descending=True, maintain_order=True)
    )
    loops = number(same["len"][0])
    if loops < context.limit("repeat"):
        return
    sources = rows["eth_src"].value_counts(sort=True)
    top = [f"{m} ({n:,})" for m, n in sources.head(4).iter_rows()]
    kinds = [f"{p} ({n:,})" for p, n in rows["protocol"].value_counts(sort=True).head(4).iter_rows()]
    hosts = rows["src"].drop_nulls().value_counts(sort=True).head(5)["src"].to_list()
    yield Draft(
        subject="broadcast",
        hosts=tuple(hosts),
        summary=f"{rows.height:,} broadcast frames {span(number(rows['time'].min()), number(rows['time'].max()))},"
        f" up to {peak:,} a second"
        f" ({100 * peak / all_then:.0f} % of the frames then); one frame was seen {loops:,.0f} times: a broadcast"
        " storm, as in a loop."
        f" Senders: {listed(top, 4)}; protocols: {listed(kinds, 4)}.",
        sentence=f"{listed(top[:1])} and others filled the link with {count(rows.height, 'broadcast frame')}, up to"
        f" {peak:,} a second",
        priority="medium",
        confidence="high" if loops >= 10 * REPEAT.value else "medium",
        display_filter=filters.at("eth.dst", "ff:ff:ff:ff:ff:ff"),
        frames=frame_numbers(rows),
        evidence=evidence(
            (
                ("MAC", "text"),
                ("from", "address"),
                ("to", "address"),
                ("protocol", "text"),
                ("length", "bytes"),
                ("times", "count"),
            ),
            [
                [r["eth_src"], r["src"] or r["sender"], r["dst"] or r["target"], r["protocol"], r["length"], r["len"]]
                for r in same.head(50).iter_rows(named=True)
            ],
            same.height,
        ),
        line_up=("eth.src", "ip.src", "ip.id", "frame.len", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"),
    )
