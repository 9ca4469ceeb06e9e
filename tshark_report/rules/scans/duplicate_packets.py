"""Was each packet recorded twice?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import frame_numbers, number, span
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

PACKETS = Threshold(10, "copies", "a few equal packets are retransmissions by systems that keep the IP ID")
SHARE = Threshold(
    0.2, "share of the IP packets", "a mirror port that shows both directions copies nearly half of what it shows"
)
WITHIN = Threshold(0.1, "seconds", "a copy follows at once; a retransmission waits at least the 200 ms of its timer")


@rule(
    code="HDR009",
    name="duplicate-packets",
    family="scans",
    title="Many packets were recorded twice (capture artefact)",
    question="Does the capture itself look different from the wire?",
    answers=("Q7", "Q10"),
    why="A mirror port that copies both the incoming and the outgoing side, or a capture on all interfaces of a"
    " router, records"
    " the same packet twice. tshark then counts retransmissions and duplicate ACKs that never happened.",
    innocent=(
        Innocent(
            explanation="This is an artefact of the capture, not of the network.",
            tell_apart="Copies have the same IP ID and sequence number; the TTL is the same, or one lower behind a"
            " router.",
        ),
    ),
    confirm=(
        "Remove the copies with `editcap -d` and look at the transport figures again.",
        "Ask how the mirror port is set up.",
    ),
    references=(
        Reference(
            title="editcap, duplicate packet removal", url="https://www.wireshark.org/docs/man-pages/editcap.html"
        ),
    ),
    needs=("packets",),
    thresholds={"packets": PACKETS, "share": SHARE, "within": WITHIN},
    fields=("ip.id",),
    weight=12,
)
def duplicate_packets(tables: Tables, context: Context) -> Iterator[Draft]:
    """At most one finding: it is about the capture."""
    ip = tables.packets.filter(pl.col("ip_id").is_not_null() & (pl.col("ip_id") != 0) & pl.col("src").is_not_null())
    key = [
        "src",
        "dst",
        "ip_id",
        "transport",
        "src_port",
        "dst_port",
        "seq",
        "ack",
        "flags",
        "payload",
        "fragment_offset",
    ]
    # One number for all columns: comparing eleven columns packet by packet takes ten times as long.
    ip = ip.with_columns(pl.struct(key).hash().alias("content")).filter(pl.col("content").is_duplicated())
    again = ip.with_columns(
        pl.col("time").diff().over("content").alias("pause"),
        (pl.col("ttl").cast(pl.Int32).diff().over("content")).alias("hops"),
        (pl.col("eth_src") != pl.col("eth_src").shift(1).over("content")).alias("other_mac"),
        pl.col("frame").shift(1).over("content").alias("copy_of"),
    ).filter(pl.col("pause").is_between(0, context.limit("within")))
    whole = tables.packets.filter(pl.col("ip_length").is_not_null() & pl.col("src").is_not_null())
    if again.height < context.limit("packets") or again.height < context.limit("share") * whole.height:
        return
    # Constant IP IDs make unlike packets look alike: most numbers must come twice, not many times.
    if number(again.group_by("content").len()["len"].median()) > 2:
        return
    routed = again.filter(pl.col("hops").is_in([-1, 1])).height
    moved = again.filter(pl.col("other_mac").fill_null(value=False)).height
    middle = number(again["pause"].median())
    where = (
        "their TTL differs by one, so the packets were seen before and behind a router"
        if routed > again.height / 2
        else "their MAC addresses differ"
        if moved > again.height / 2
        else "TTL and MAC addresses are the same, as on a mirror port that copies both directions"
    )
    six = whole.filter(pl.col("src").str.contains(":", literal=True)).height
    every = whole if six else whole.filter(pl.col("ip_id").is_not_null())
    yield Draft(
        subject="capture",
        hosts=(),
        summary=f"{count(again.height, 'packet')} of {whole.height:,} IP packets"
        f" ({100 * again.height / whole.height:.0f} %) are copies of"
        f" the packet before them, {duration(middle)} later in the middle,"
        f" {span(number(again['time'].min()), number(again['time'].max()))}:"
        f" duplicates made by the capture; {where}. Retransmissions and duplicate ACKs are counted too high.",
        sentence=f"the capture shows {100 * again.height / whole.height:.0f} % of the IP packets twice",
        priority="info",
        confidence="high",
        # A display filter cannot compare two packets: it is everything that could have been copied.
        display_filter="ip || ipv6" if six else "ip",
        frames=frame_numbers(every),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("copy of", "frame"),
                ("later", "seconds"),
                ("from", "address"),
                ("to", "address"),
                ("IP ID", "text"),
            ),
            [
                [r["frame"], r["copy_of"], round(r["pause"], 6), r["src"], r["dst"], f"0x{r['ip_id']:04x}"]
                for r in again.head(100).iter_rows(named=True)
            ],
            again.height,
        ),
        line_up=("ip.src", "ip.dst", "ip.id", "ip.ttl", "tcp.seq_raw", "eth.src", "eth.dst"),
    )
