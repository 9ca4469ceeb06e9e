"""Are header bits set that no standard uses?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, not_errors, number, own, several, span
from tshark_report.rules.scans.flag_probes import flag_names, kind_of
from tshark_report.rules.scans.injected_resets import APART, RESERVED, suspects
from tshark_report.story.words import count
from tshark_report.tables.sessions import URG
from tshark_report.tables.tables import Tables

PACKETS = Threshold(3, "packets", "one may be damaged on the way")

URGENT_PORTS = (20, 21, 23, 512, 513, 514, 107, 992, 1521, 3270)
"""Services that use urgent data by design: FTP abort, Telnet synch, the r-commands, Oracle breaks, TN3270."""


@rule(
    code="HDR008",
    name="reserved-bits",
    family="scans",
    title="Packets had reserved header bits or the urgent flag set",
    question="Are header bits set that ordinary systems leave alone?",
    answers=("Q10",),
    why="Reserved bits are zero in ordinary traffic. Set ones come from tools that test how a system answers, from a"
    " hidden"
    " channel in the header, or from damage. Urgent data is rare outside Telnet and FTP and has crashed old systems.",
    innocent=(
        Innocent(
            explanation="A damaged header, or a tunnel whose content tshark takes for TCP.",
            tell_apart="Checksum and ports make no sense either.",
        ),
        Innocent(
            explanation="An old program that uses urgent data for its own signals.",
            tell_apart="It is the same service each time, and it works.",
        ),
    ),
    confirm=(
        "Do other packets of the same sender have ordinary flags?",
        "Follow the stream: does the payload make sense?",
    ),
    references=(
        Reference(title="RFC 9293, Transmission Control Protocol", url="https://www.rfc-editor.org/rfc/rfc9293"),
        Reference(
            title="RFC 6093, On the Implementation of the TCP Urgent Mechanism",
            url="https://www.rfc-editor.org/rfc/rfc6093",
        ),
        Reference(title="RFC 3514 (the security bit, 1 April)", url="https://www.rfc-editor.org/rfc/rfc3514"),
    ),
    needs=("packets",),
    thresholds={"packets": PACKETS},
    fields=("tcp.flags", "ip.flags"),
    weight=18,
)
def reserved_bits(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each sender and kind of bit."""
    resets = suspects(tables, APART.value)
    told = resets.filter(pl.col("reserved"))["frame"] if resets.height else resets["frame"]
    first_piece = pl.col("fragment_offset").fill_null(0) == 0
    flags = pl.col("flags")
    whole = (pl.col("transport") == "tcp") & flags.is_not_null() & first_piece & pl.col("src").is_not_null()
    known = [v for v in near.packets(tables, whole, "flags")["flags"].unique().to_list() if kind_of(v) is None]
    marked = [v for v in known if v & (RESERVED | URG)]
    tcp = tables.packets.filter(whole & flags.is_in(marked)) if marked else tables.packets.clear()
    urgent = ((flags & URG) != 0) & ~pl.col("src_port").is_in(URGENT_PORTS) & ~pl.col("dst_port").is_in(URGENT_PORTS)
    yield from _found(
        tables,
        context,
        tcp.filter(((flags & RESERVED) != 0) & ~pl.col("frame").is_in(told.implode())),
        "TCP reserved bits",
        "tcp.flags",
    )
    yield from _found(tables, context, tcp.filter(urgent), "the TCP urgent flag (URG)", "tcp.flags")
    high = pl.col("ip_flags")
    evil = pl.when(high < 8).then((high & 4) != 0).otherwise((high & 0x80) != 0)
    ip = tables.packets.filter(high.is_not_null() & pl.col("src").is_not_null() & evil)
    yield from _found(tables, context, ip, "the reserved bit of the IP header", "ip.flags.rb")


def _found(tables: Tables, context: Context, rows: pl.DataFrame, what: str, field: str) -> Iterator[Draft]:
    sizes = rows.group_by("src", maintain_order=True).len().filter(pl.col("len") >= context.limit("packets"))
    for src in sizes.sort("len", descending=True, maintain_order=True).head(FINDINGS // 3)["src"].to_list():
        mine = rows.filter(pl.col("src") == src)
        peers = mine["dst"].drop_nulls().unique(maintain_order=True).to_list()
        values = mine["flags"].drop_nulls().unique().sort().to_list()
        every = tables.packets.filter((pl.col("src") == src) & pl.col("frame").is_in(mine["frame"].implode()))
        if field == "tcp.flags":
            which = filters.any_of(*(filters.equals(field, v) for v in values))
            every = tables.packets.filter(
                (pl.col("src") == src) & (pl.col("transport") == "tcp") & pl.col("flags").is_in(values)
            )
        else:
            which = filters.equals(field, 1)
        names = sorted({flag_names(v) for v in values})
        yield Draft(
            subject=f"{src} {field} {what}",
            hosts=(src, *peers[:10]),
            summary=f"{src} sent {count(every.height, 'packet')} with {what} set to {several(peers)}"
            f" {span(number(mine['time'].min()), number(mine['time'].max()))}"
            + (f"; flags {', '.join(names[:4])}." if names else "."),
            sentence=f"{src} sent {count(every.height, 'packet')} with {what} set",
            priority="low",
            confidence="medium",
            display_filter=own(tables, filters.src(src), which)
            if field == "tcp.flags"
            else filters.all_of(filters.src(src), which, not_errors(tables)),
            frames=frame_numbers(every),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("to", "address"),
                    ("port", "port"),
                    ("flags", "hex"),
                    ("payload", "bytes"),
                ),
                [
                    [
                        r["frame"],
                        r["time"],
                        r["dst"],
                        r["dst_port"],
                        None if r["flags"] is None else f"0x{r['flags']:03x}",
                        r["payload"],
                    ]
                    for r in every.head(100).iter_rows(named=True)
                ],
                every.height,
            ),
        )
