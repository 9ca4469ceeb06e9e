"""Does somebody announce addresses all the time?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._claims import claims, is_virtual
from tshark_report.rules.scans._common import FINDINGS, busiest, frame_numbers, number, several, span
from tshark_report.story.words import duration
from tshark_report.tables.tables import Tables

PACKETS = Threshold(
    50,
    "gratuitous ARP packets in 10 seconds",
    "a host announces itself a few times when it starts, a cluster five times",
)
ADDRESSES = Threshold(
    10, "addresses", "one machine owns a few addresses; who announces many fills tables or takes them over"
)
STEP = 10.0


@rule(
    code="LNK003",
    name="gratuitous-arp-flood",
    family="scans",
    title="One MAC address announced addresses by gratuitous ARP without end",
    question="Does somebody announce addresses all the time?",
    answers=("Q10",),
    why="Gratuitous ARP tells everybody who has an address without being asked. Many of them overwrite what others"
    " have learned,"
    " fill tables, or come from a loop in the network.",
    innocent=(
        Innocent(
            explanation="A cluster, firewall pair or hypervisor takes over many addresses at once.",
            tell_apart="It happens once, at a failover that its log names.",
        ),
    ),
    confirm=("Find the switch port of the MAC address.", "Is the same packet seen again and again (a loop)?"),
    references=(
        Reference(title="RFC 5227, IPv4 Address Conflict Detection", url="https://www.rfc-editor.org/rfc/rfc5227"),
    ),
    needs=("arp",),
    thresholds={"packets": PACKETS, "addresses": ADDRESSES},
    fields=("arp.src.hw_mac",),
    weight=35,
)
def gratuitous_arp_flood(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each MAC."""
    said = claims(tables).filter("gratuitous")
    macs = said.group_by("src_mac", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("packets"), pl.col("sender").n_unique().cast(pl.Int64).alias("addresses")
    )
    heavy = macs.filter(
        (pl.col("packets") >= context.limit("packets")) | (pl.col("addresses") >= context.limit("addresses"))
    )
    for mac in heavy.sort("packets", descending=True)["src_mac"].to_list()[:FINDINGS]:
        mine = said.filter(pl.col("src_mac") == mac)
        addresses = mine["sender"].unique(maintain_order=True).to_list()
        fast = busiest(mine["time"], STEP) >= context.limit("packets")
        if is_virtual(mac) or not (fast or len(addresses) >= context.limit("addresses")):
            continue
        rows = tables.arp.filter((pl.col("src_mac") == mac) & (pl.col("sender") == pl.col("target")))
        every = rows if rows.height else mine
        first, last = number(mine["time"].min()), number(mine["time"].max())
        named = addresses[:20]
        shown = tables.arp.filter((pl.col("src_mac") == mac) & pl.col("sender").is_in(named))
        yield Draft(
            subject=mac,
            hosts=tuple(addresses[:10]),
            summary=f"MAC {mac} announced {several(addresses)} in {every.height:,} gratuitous ARP packets within"
            f" {duration(last - first)}, {span(first, last)}.",
            sentence=f"{mac} announced {len(addresses):,} addresses in {every.height:,} gratuitous ARP packets",
            priority="medium" if len(addresses) >= context.limit("addresses") and fast else "low",
            confidence="medium",
            display_filter=filters.all_of(
                filters.at("arp.src.hw_mac", mac), filters.any_of(*(filters.at("arp.src.proto_ipv4", a) for a in named))
            ),
            frames=frame_numbers(shown),
            evidence=evidence(
                (("MAC", "text"), ("address", "address"), ("packets", "count"), ("first", "time"), ("frame", "frame")),
                [
                    [mac, *row]
                    for row in mine.group_by("sender", maintain_order=True)
                    .agg(pl.len().cast(pl.Int64), pl.col("time").min(), pl.col("frame").min())
                    .iter_rows()
                ],
            ),
            line_up=("arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"),
        )
