"""Did packets claim to come from the host that they went to?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, number, own, services, span
from tshark_report.story.words import count
from tshark_report.tables.tables import Tables

PACKETS = Threshold(1, "packets", "no host sends to itself over a wire, from a port to the same port")

LOOPBACK = "00:00:00:00:00:00"


@rule(
    code="HDR007",
    name="land-packets",
    family="scans",
    title="Packets had the same address and port as source and destination (land)",
    question="Do packets come from where they say?",
    answers=("Q10",),
    why="A host reaches itself without the wire. A packet on the wire whose source and destination are the same"
    " address and port"
    " was forged; it made old systems answer themselves until they hung.",
    innocent=(
        Innocent(
            explanation="The capture was taken on a loopback interface, or on a host that records its own local"
            " traffic.",
            tell_apart="The address is 127.0.0.1, or the MAC addresses are zero.",
        ),
    ),
    confirm=("From which MAC address and switch port did the packets come?",),
    references=(
        Reference(title="CERT CA-1997-28, IP Denial-of-Service Attacks", url="https://www.kb.cert.org/vuls/id/396645"),
    ),
    needs=("packets",),
    thresholds={"packets": PACKETS},
    weight=42,
)
def land_packets(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each address."""
    same = (
        (pl.col("src") == pl.col("dst"))
        & (pl.col("src_port") == pl.col("dst_port"))
        & pl.col("transport").is_in(["tcp", "udp"])
    )
    rows = tables.packets.filter(
        same
        & ~pl.col("src").str.starts_with("127.")
        & (pl.col("src") != "::1")
        & (pl.col("src") != "0.0.0.0")  # noqa: S104
        & ((pl.col("transport") == "udp") | pl.col("flags").is_not_null())
        & pl.col("eth_src").is_not_null()
        & (pl.col("eth_src") != LOOPBACK)
    )
    sizes = (
        rows.group_by("src", "transport", maintain_order=True).len().filter(pl.col("len") >= context.limit("packets"))
    )
    for address, transport, _ in sizes.sort("len", descending=True, maintain_order=True).head(FINDINGS).iter_rows():
        mine = rows.filter((pl.col("src") == address) & (pl.col("transport") == transport))
        ports = mine["src_port"].unique().sort().to_list()
        named = ports[:20]
        mine = mine.filter(pl.col("src_port").is_in(named))
        macs = mine["eth_src"].unique().sort().to_list()
        first, last = number(mine["time"].min()), number(mine["time"].max())
        yield Draft(
            subject=f"{address} {transport}",
            hosts=(address,),
            summary=f"{count(mine.height, f'{transport.upper()} packet')} named {address} as source and as"
            " destination, with the same"
            f" port on both sides ({services(ports)}), {span(first, last)}: land packets, which cannot be genuine."
            " They came from MAC"
            f" {', '.join(macs[:3])}.",
            sentence=f"{address} was sent {count(mine.height, 'packet')} naming {address} itself as source (land)",
            priority="medium",
            confidence="high",
            display_filter=own(
                tables,
                filters.src(address),
                filters.dst(address),
                filters.any_of(
                    *(filters.all_of(filters.src_port(transport, p), filters.dst_port(transport, p)) for p in named)
                ),
            ),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("address", "address"),
                    ("port", "port"),
                    ("MAC", "text"),
                    ("TTL", "count"),
                ),
                [
                    [r["frame"], r["time"], r["src"], r["src_port"], r["eth_src"], r["ttl"]]
                    for r in mine.head(100).iter_rows(named=True)
                ],
                mine.height,
            ),
        )
