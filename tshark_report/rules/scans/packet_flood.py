"""Was a host sent more UDP or ICMP packets than any use has?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    ECHO_REQUESTS,
    FINDINGS,
    busiest,
    frame_numbers,
    not_errors,
    number,
    own,
    ranges,
    several,
    span,
)
from tshark_report.settings import is_multicast
from tshark_report.story.words import count, duration, size
from tshark_report.tables.tables import Tables

UDP = Threshold(1000, "packets in 10 seconds", "calls and games send 50 to 100 packets a second to one port")
ICMP = Threshold(500, "echo requests in 10 seconds", "ping sends one a second, a fast monitor ten")
PORTS = Threshold(100, "destination ports", "a stream uses one port; a flood often draws one for each packet")
SOURCES = Threshold(50, "sources", "a stream has one source; made-up sources are many")
ANSWERED = Threshold(0.02, "share of the packets", "peers of a protocol answer each other")
SIZES = Threshold(3, "packet sizes", "a tunnel in echo requests carries packets of all sizes; a flood repeats one")
BARE = Threshold(
    0.5, "share of the packets", "a flood carries bytes that no dissector knows, but for ports met by chance"
)
ALIKE = Threshold(0.9, "share of the packets", "of one and the same size: names asked for differ in length")
STEP = 10.0

QUIC = 443
"""An upload by QUIC is a stream of packets of one size, whose other direction a capture may lack."""

BARE_NAMES = ("UDP", "DATA", "Data", "IPv4", "IPv6")

CONTENT = 8
"""Bytes: a port scan by UDP mostly sends nothing, a flood sends something to fill the line."""

COLLECTORS = (162, 514, 1514, 2055, 2056, 4739, 6343, 9995, 9996, 12201)
"""Ports that many hosts send to without an answer: SNMP traps, syslog, NetFlow, IPFIX, sFlow, GELF."""


@rule(
    code="SCN011",
    name="packet-flood",
    family="scans",
    title="One host received a flood of UDP or ICMP packets",
    question="Is somebody filling up a host's line?",
    answers=("Q6", "Q7"),
    why="Many packets a second to random ports, from many sources, or the same ping over and over carry nothing"
    " useful: they"
    " fill the line or the host's queue and push others out.",
    innocent=(
        Innocent(
            explanation="A speed test, a video stream, a call or a game.",
            tell_apart="It uses one port, one source, and an application protocol; the receiver asked for it.",
        ),
        Innocent(
            explanation="A network engineer's flood ping to find loss.",
            tell_apart="It is short, on the own network, and every echo request is answered.",
        ),
    ),
    confirm=(
        "Did the receiver ask for this traffic?",
        "Do other clients of the receiver see loss or delay in these minutes?",
    ),
    references=(
        Reference(title="ATT&CK T1498.001 Direct Network Flood", url="https://attack.mitre.org/techniques/T1498/001/"),
        Reference(
            title="RFC 4732, Internet Denial-of-Service Considerations", url="https://www.rfc-editor.org/rfc/rfc4732"
        ),
    ),
    needs=("packets",),
    thresholds={
        "udp": UDP,
        "icmp": ICMP,
        "ports": PORTS,
        "sources": SOURCES,
        "answered": ANSWERED,
        "sizes": SIZES,
        "bare": BARE,
        "alike": ALIKE,
    },
    weight=60,
)
def packet_flood(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver and kind."""
    yield from _udp(tables, context)
    yield from _icmp(tables, context)


def _heavy(rows: pl.DataFrame, least: float) -> list[str]:
    heavy = (
        rows.group_by("dst", maintain_order=True)
        .len()
        .filter(pl.col("len") >= least)
        .sort("len", descending=True, maintain_order=True)
    )
    return [
        str(dst) for dst in heavy["dst"].to_list() if dst and not is_multicast(dst) and not str(dst).endswith(".255")
    ]


def _udp(tables: Tables, context: Context) -> Iterator[Draft]:
    udp = tables.packets.filter((pl.col("transport") == "udp") & ~pl.col("dst_port").is_in(list(COLLECTORS)))
    if udp.height < context.limit("udp"):
        return
    for dst in _heavy(udp, context.limit("udp"))[:FINDINGS]:
        mine = tables.packets.filter((pl.col("transport") == "udp") & (pl.col("dst") == dst))
        bare = mine.filter(pl.col("protocol").is_in(BARE_NAMES)).height
        # A protocol that tshark knows is told by other rules; packets of a flood are bare data, or take their name
        # from the port alone and are all of one size.
        named = bare < context.limit("bare") * mine.height
        if (named and not _stamped(mine, context.limit("alike"))) or busiest(mine["time"], STEP) < context.limit("udp"):
            continue
        ports, sources = mine["dst_port"].n_unique(), mine["src"].n_unique()
        back = udp.filter((pl.col("src") == dst) & pl.col("dst").is_in(mine["src"].unique().implode())).height
        if sources == 1 and ports >= context.limit("ports") and number(mine["payload"].median()) < CONTENT:
            continue  # empty packets to many ports are a port scan, which its own rule tells
        low = mine.filter(pl.col("dst_port") < 1024).height > 0.9 * mine.height
        shaped = ports >= context.limit("ports") or sources >= context.limit("sources") or (low and sources > 0)
        if back <= context.limit("answered") * mine.height and shaped:
            yield _draft(mine, dst, "UDP", own(tables, filters.dst(dst), filters.exists("udp")))


def _stamped(rows: pl.DataFrame, share: float) -> bool:
    """True where the packets to system ports are of one size; questions to a server differ in length."""
    asked = rows.filter((pl.col("dst_port") < 1024) & (pl.col("dst_port") != QUIC))
    most = number(asked["length"].value_counts()["count"].max()) if asked.height else 0.0
    return most > 0 and most >= share * rows.height


def _icmp(tables: Tables, context: Context) -> Iterator[Draft]:
    asked = tables.icmp.filter(pl.col("type").is_in(ECHO_REQUESTS))
    if asked.height < context.limit("icmp"):
        return
    for dst in _heavy(asked, context.limit("icmp"))[:FINDINGS]:
        mine = asked.filter(pl.col("dst") == dst)
        sizes = mine["length"].n_unique()
        if busiest(mine["time"], STEP) < context.limit("icmp") or sizes > context.limit("sizes"):
            continue
        name = "icmpv6" if ":" in dst else "icmp"
        kind = 128 if name == "icmpv6" else 8
        where = filters.all_of(filters.dst(dst), filters.equals(f"{name}.type", kind), not_errors(tables))
        yield _draft(mine.filter(pl.col("type") == kind), dst, "ICMP echo request", where)


def _draft(rows: pl.DataFrame, dst: str, what: str, display_filter: str) -> Draft:
    by_source = (
        rows.group_by("src", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("packets"),
            pl.col("length").cast(pl.UInt64).sum().cast(pl.Int64).alias("bytes"),
            pl.col("time").min(),
            pl.col("frame").first(),
            pl.col("dst_port").n_unique().alias("ports"),
        )
        .sort("packets", descending=True, maintain_order=True)
    )
    sources = by_source["src"].to_list()
    first, last = number(rows["time"].min()), number(rows["time"].max())
    peak = busiest(rows["time"], 1.0)
    ports = rows["dst_port"].drop_nulls().unique().to_list() if what == "UDP" else []
    told = f" to {count(len(ports), 'port')} ({ranges(ports, 4)})" if ports else ""
    total = number(rows["length"].cast(pl.UInt64).sum())
    udp = what == "UDP"
    return Draft(
        subject=f"{dst} {what}",
        hosts=(dst, *sources[:10]),
        summary=f"{dst} received {rows.height:,} {what} packets ({size(total)}){told} from {len(sources):,}"
        f" {'source' if len(sources) == 1 else 'sources'} ({several(sources)}) in {duration(last - first)},"
        f" {span(first, last)}, up"
        f" to {peak:,.0f} a second: a {'UDP' if udp else 'ping'} flood by its shape.",
        sentence=f"{dst} began to receive {rows.height:,} {what} packets from {several(sources, 2)}, up to"
        f" {peak:,.0f} a second,"
        f" a {'UDP' if udp else 'ping'} flood by its shape",
        priority="medium",
        confidence="medium",
        display_filter=display_filter,
        frames=frame_numbers(rows),
        evidence=evidence(
            (
                ("source", "address"),
                ("packets", "count"),
                ("bytes", "bytes"),
                ("ports", "count"),
                ("first", "time"),
                ("frame", "frame"),
            ),
            [
                [r["src"], r["packets"], r["bytes"], r["ports"], r["time"], r["frame"]]
                for r in by_source.head(100).iter_rows(named=True)
            ],
            by_source.height,
        ),
        line_up=("ip.src", "udp.srcport", "udp.dstport", "frame.len", "ip.ttl", "ip.id")
        if udp
        else ("ip.src", "icmp.ident", "icmp.seq", "frame.len", "ip.ttl", "ip.id"),
    )
