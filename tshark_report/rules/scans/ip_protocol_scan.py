"""Was a host asked for IP protocols one after the other?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, icmp_errors, not_errors, number, span
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

EMPTY = Threshold(10, "packets", "an IP header with nothing behind it has no use; ten of them to one host are a search")


@rule(
    code="SCN009",
    name="ip-protocol-scan",
    family="scans",
    title="One source sent empty IP packets of many kinds to a host (IP protocol scan)",
    question="Did somebody look for the IP protocols that a host speaks?",
    answers=("Q6",),
    why="IP headers without content, one for each protocol number, find out by the ICMP protocol unreachable answers"
    " what a"
    " host or router speaks besides TCP and UDP.",
    innocent=(
        Innocent(
            explanation="A test of a router or firewall by its own makers.",
            tell_apart="It is announced, and runs in a laboratory.",
        ),
    ),
    confirm=("For which protocol numbers did no ICMP protocol unreachable come back? Those may be open.",),
    references=(
        Reference(title="nmap: IP protocol scan", url="https://nmap.org/book/scan-methods-ip-protocol-scan.html"),
        Reference(title="ATT&CK T1046 Network Service Discovery", url="https://attack.mitre.org/techniques/T1046/"),
    ),
    needs=("packets",),
    thresholds={"empty": EMPTY},
    weight=45,
)
def ip_protocol_scan(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each source and target."""
    errors = icmp_errors(tables)
    # ip.len is the header's own length only where nothing follows it.
    empty = tables.packets.filter(
        (pl.col("ip_length") == 20)
        & ~pl.col("src").str.contains(":", literal=True)
        & pl.col("dst").is_not_null()
        & ~pl.col("frame").is_in(errors["frame"].implode())
    )
    pairs = (
        empty.group_by("src", "dst", maintain_order=True)
        .agg(
            pl.len(),
            pl.col("frame").alias("frames"),
            pl.col("protocols").n_unique().alias("kinds"),
            pl.col("time").min(),
            pl.col("time").max().alias("last"),
        )
        .filter(pl.col("len") >= context.limit("empty"))
        .sort("len", descending=True, maintain_order=True)
    )
    refused = errors.filter((pl.col("type") == 3) & (pl.col("code") == 2))
    for row in pairs.head(FINDINGS).iter_rows(named=True):
        src, dst = row["src"], row["dst"]
        mine = empty.filter(pl.col("frame").is_in(row["frames"]))
        answers = refused.filter((pl.col("src") == dst) & (pl.col("dst") == src)).height
        names = sorted({p.split(":")[-1] for p in mine["protocols"].to_list() if p} - {"ip", "data"})
        yield Draft(
            subject=f"{src} -> {dst}",
            hosts=(src, dst),
            summary=f"{src} sent {count(mine.height, 'IP packet')} with a header and nothing behind it to {dst}"
            f" {span(row['time'], row['last'])}, an IP protocol scan by its shape; {answers:,} were answered with"
            " ICMP protocol"
            f" unreachable. Known protocols among them: {listed(names, 8) if names else 'none'}.",
            sentence=f"{src} sent {count(mine.height, 'empty IP packet')} to {dst}, an IP protocol scan",
            priority="medium" if answers or row["kinds"] > 2 else "low",
            confidence="high" if answers else "medium",
            display_filter=filters.all_of(
                filters.src(src), filters.dst(dst), filters.equals("ip.len", 20), not_errors(tables)
            ),
            frames=frame_numbers(mine),
            evidence=evidence(
                (("frame", "frame"), ("time", "time"), ("protocols", "text"), ("TTL", "count")),
                [
                    [r["frame"], r["time"], r["protocols"], int(number(r["ttl"]))]
                    for r in mine.head(100).iter_rows(named=True)
                ],
                mine.height,
            ),
            line_up=("ip.src", "ip.dst", "ip.proto", "ip.ttl", "ip.id", "ip.len"),
        )
