"""Does the IP ID change as it should?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, not_errors, number, several, span
from tshark_report.rules.scans._marks import ZMAP_ID
from tshark_report.rules.scans.odd_fragments import fragments
from tshark_report.rules.scans.vertical_port_scan import scanned_pairs
from tshark_report.settings import is_multicast
from tshark_report.story.words import listed
from tshark_report.tables.tables import Tables

PACKETS = Threshold(20, "packets", "small counters may repeat by chance in a few packets, not in twenty")
SHARE = Threshold(0.9, "share of the sender's packets", "a counter or a drawn number is nearly never the same twice")

HALF = 0.5


@rule(
    code="HDR005",
    name="constant-ip-id",
    family="scans",
    title="A host sent all packets with the same IP ID",
    question="Is the IP ID field a counter, drawn, or constant?",
    answers=("Q10",),
    why="Systems count the IP ID, draw it, or leave it at zero where a packet must not be fragmented. One value"
    " other than zero"
    " in every packet was written by a program that makes its own packets; some scanners and flood tools are known"
    " by theirs.",
    innocent=(
        Innocent(
            explanation="A device with a simple IP stack: camera, printer, controller, boot loader.",
            tell_apart="It is known, and always did so.",
        ),
        Innocent(
            explanation="A test generator (scapy writes 1 by default).",
            tell_apart="It is used in the laboratory that the capture comes from.",
        ),
    ),
    confirm=("Which program on the sender makes these packets?", "Are TTL, window and source port constant as well?"),
    references=(
        Reference(
            title="RFC 6864, Updated Specification of the IPv4 ID Field", url="https://www.rfc-editor.org/rfc/rfc6864"
        ),
    ),
    needs=("packets",),
    thresholds={"packets": PACKETS, "share": SHARE},
    fields=("ip.id",),
    weight=22,
)
def constant_ip_id(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each sender, or one for all where there are many."""
    pieces = fragments(tables.packets)["frame"]
    whole = pl.col("ip_id").is_not_null() & pl.col("src").is_not_null() & ~pl.col("frame").is_in(pieces.implode())
    ip = near.packets(tables, whole, "src", "ip_id", "time")
    total = ip.group_by("src").len().rename({"len": "all"})
    share = context.limit("share")
    if share > HALF:
        # A value that more than half of the packets have is their median: hardly a sender is left to be counted.
        same = (pl.col("ip_id") == pl.col("ip_id").median()).sum()
        senders = ip.group_by("src").agg(same.alias("same"), pl.len().alias("all"))
        senders = senders.filter(pl.col("same") >= share * pl.col("all"))
        ip = ip.filter(pl.col("src").is_in(senders["src"].implode()))
    rows = (
        ip.filter(pl.col("ip_id") != 0)
        # One number for both: grouping by text and number takes twice as long.
        .group_by(pl.struct("src", "ip_id").hash().alias("both"), maintain_order=True)
        .agg(
            pl.col("src", "ip_id").first(),
            pl.len().cast(pl.Int64).alias("packets"),
            pl.col("time").min(),
            pl.col("time").max().alias("last"),
        )
        .join(total, on="src", how="left", maintain_order="left")
        .filter((pl.col("packets") >= context.limit("packets")) & (pl.col("packets") >= share * pl.col("all")))
        .sort("packets", descending=True, maintain_order=True)
    )
    told = scanned_pairs(tables)["client"].unique().to_list()
    # Copies of one packet (a storm, a mirror port) have one ID because they are one packet.
    for row in rows.head(FINDINGS).iter_rows(named=True):
        src, value = row["src"], row["ip_id"]
        if src in told:
            continue  # the rule on port scans names what is alike in them
        mine = tables.packets.filter((pl.col("src") == src) & (pl.col("ip_id") == value))
        if (
            mine.select("dst", "src_port", "dst_port", "seq", "payload", "length", "protocols").n_unique()
            < context.limit("packets") / 2
        ):
            continue
        peers = mine["dst"].drop_nulls().unique(maintain_order=True).to_list()
        if all(is_multicast(p) for p in peers):
            continue
        tool = " (the default of ZMap)" if value == ZMAP_ID else " (the default of scapy)" if value == 1 else ""
        yield Draft(
            subject=src,
            hosts=(src, *peers[:10]),
            summary=f"{src} sent {mine.height:,} of its {row['all']:,} IPv4 packets with the same IP ID"
            f" 0x{value:04x} ({value}){tool}"
            f" to {several(peers)} {span(row['time'], row['last'])} (constant identification field).",
            sentence=f"{src} sent {mine.height:,} packets, all with the same IP ID 0x{value:04x}",
            priority="low",
            confidence="medium",
            display_filter=filters.all_of(filters.src(src), filters.equals("ip.id", value), not_errors(tables)),
            frames=frame_numbers(mine),
            evidence=evidence(
                (("to", "address"), ("packets", "count"), ("protocols", "text"), ("first", "time"), ("frame", "frame")),
                [
                    [r["dst"], r["packets"], listed([str(p) for p in r["protocols"]], 4), r["time"], r["frame"]]
                    for r in mine.group_by("dst", maintain_order=True)
                    .agg(
                        pl.len().alias("packets"),
                        pl.col("protocol").unique().sort().alias("protocols"),
                        pl.col("time").first(),
                        pl.col("frame").first(),
                    )
                    .head(100)
                    .iter_rows(named=True)
                ],
                len(peers),
            ),
            line_up=("ip.dst", "ip.id", "ip.ttl", "ip.flags", "frame.len"),
            weight=number(value == ZMAP_ID),
        )
