"""Does one address send from one distance?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, not_errors, number, several, span
from tshark_report.rules.scans.icmp_sweep import HOSTS, MANY, REPEATS, UNANSWERED, WINDOW, sweeps
from tshark_report.rules.scans.vertical_port_scan import scanned_pairs
from tshark_report.settings import is_multicast
from tshark_report.story.words import listed
from tshark_report.tables.tables import Tables

VALUES = Threshold(
    6, "TTL values", "paths change once or twice, and a host may have a TTL for each of its few services"
)
CHANGES = Threshold(
    0.3, "share of packets with another TTL than the one before", "after a path change the new value stays"
)
PACKETS = Threshold(12, "packets", "fewer show no pattern")
TRACE = Threshold(3, "hops", "a path test begins at one and counts up; ordinary packets arrive with far more left")


@rule(
    code="HDR006",
    name="varying-ttl",
    family="scans",
    title="One address sent packets with many different TTL values",
    question="Does one address send from one distance?",
    answers=("Q10",),
    why="A host writes one start value into the TTL, and its packets cross the same routers. Many values at the same"
    " time mean"
    " that several machines share the address, that somebody sends in its name, or that a tool draws the value.",
    innocent=(
        Innocent(
            explanation="Traceroute, mtr or a path monitor counts the TTL up from one on purpose.",
            tell_apart="Values begin at 1 and count up, and routers answer with time exceeded.",
        ),
        Innocent(
            explanation="Many machines behind one NAT address or one load-balanced service address, with different"
            " systems.",
            tell_apart="Each TTL belongs to its own sessions; within a session it is constant.",
        ),
    ),
    confirm=("Is the TTL constant within one session?", "Do the MAC addresses of these packets differ?"),
    references=(
        Reference(title="RFC 791, Internet Protocol", url="https://www.rfc-editor.org/rfc/rfc791"),
        Reference(title="Jin et al., Hop-Count Filtering, 2003", url="https://dl.acm.org/doi/10.1145/948109.948116"),
    ),
    needs=("packets",),
    thresholds={"values": VALUES, "changes": CHANGES, "packets": PACKETS, "trace": TRACE},
    fields=("ip.ttl",),
    weight=22,
)
def varying_ttl(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each address; those of ICMP sweeps and port scans are told there."""
    whole = pl.col("ttl").is_not_null() & pl.col("src").is_not_null() & pl.col("dst").is_not_null()
    every = near.packets(tables, whole, "src", "ttl")
    wide = (
        every.select("src", "ttl")
        .unique(maintain_order=True)
        .group_by("src", maintain_order=True)
        .agg(pl.len().alias("n"))
        .filter(pl.col("n") >= context.limit("values"))
    )
    if wide.is_empty():
        return
    swept = sweeps(
        tables,
        {
            "hosts": HOSTS.value,
            "window": WINDOW.value,
            "repeats": REPEATS.value,
            "unanswered": UNANSWERED.value,
            "many": MANY.value,
        },
    )
    scanned = scanned_pairs(tables)["client"].unique().to_list()
    found = 0
    for src in wide.sort("n", descending=True, maintain_order=True)["src"].to_list():
        if src in swept or src in scanned:
            continue
        mine = tables.packets.filter(whole & (pl.col("src") == src))
        groups = [d for d in mine["dst"].unique().to_list() if is_multicast(d)]
        mine = mine.filter(~pl.col("dst").is_in(groups))
        transport = _changing(mine, context)
        if transport is None:
            continue
        found += 1
        if found <= FINDINGS:
            yield _draft(tables, mine.filter(pl.col("transport") == transport), src, transport)


def _changing(rows: pl.DataFrame, context: Context) -> str | None:
    """The transport within which the TTL changes all the time; None where there is none."""
    for transport in ("tcp", "udp", "icmp", "icmpv6"):
        mine = rows.filter(pl.col("transport") == transport)
        ttl = mine["ttl"].cast(pl.Int32)
        if mine.height < context.limit("packets") or ttl.n_unique() < context.limit("values"):
            continue
        if number(ttl.min()) <= context.limit("trace") and _counts_up(mine):
            continue
        # Within a session the TTL of machines behind one address is constant: count changes there, and between packets
        # that belong to no session only where most of them differ.
        key = "stream" if transport in ("tcp", "udp") else "dst"
        within = mine.with_columns((pl.col("ttl").cast(pl.Int32).diff().over(key) != 0).alias("changed")).filter(
            pl.col("changed").is_not_null()
        )
        if within.height >= context.limit("packets") / 2:
            if number(within["changed"].mean()) >= context.limit("changes"):
                return transport
        elif mine[key].n_unique() == mine.height and number((ttl.diff().drop_nulls() != 0).mean()) >= 0.7:
            return transport
    return None


def _counts_up(rows: pl.DataFrame) -> bool:
    """True where low values follow each other, as traceroute sends them: 1, 1, 1, 2, 2, 2, 3, ..."""
    steps = rows["ttl"].cast(pl.Int32).diff().drop_nulls()
    return steps.len() > 0 and number(steps.is_in([0, 1]).mean()) >= 0.6


def _draft(tables: Tables, rows: pl.DataFrame, src: str, transport: str) -> Draft:
    counts = rows["ttl"].value_counts(sort=True)
    values = sorted(counts["ttl"].to_list())
    peers = rows["dst"].unique(maintain_order=True).to_list()
    macs = rows["eth_src"].drop_nulls().unique().sort().to_list()
    ttl = "ipv6.hlim" if ":" in src else "ip.ttl"
    shown = peers[:12]
    if len(peers) > 12:
        peers_filter = ""
        mine = tables.packets.filter((pl.col("src") == src) & (pl.col("transport") == transport))
    else:
        peers_filter = filters.any_of(*(filters.dst(p) for p in shown))
        mine = rows
    return Draft(
        subject=src,
        hosts=(src, *peers[:10]),
        summary=f"{src} sent {rows.height:,} {transport.upper()} packets with {len(values)} different TTL values"
        f" from {values[0]} to"
        f" {values[-1]} to {several(peers)}, {span(number(rows['time'].min()), number(rows['time'].max()))}; the TTL"
        " varies from packet"
        f" to packet." + (f" They came from {len(macs)} MAC addresses." if len(macs) > 1 else ""),
        sentence=f"{src} sent {transport.upper()} packets whose TTL varies from packet to packet: {len(values)}"
        f" values from {values[0]} to"
        f" {values[-1]}",
        priority="low",
        confidence="medium",
        display_filter=filters.all_of(
            filters.src(src),
            filters.exists(transport),
            filters.exists(ttl),
            peers_filter,
            not_errors(tables),
        ),
        frames=frame_numbers(mine),
        evidence=evidence(
            (
                ("TTL", "count"),
                ("packets", "count"),
                ("to", "text"),
                ("MAC addresses", "text"),
                ("first frame", "frame"),
            ),
            [
                [r["ttl"], r["packets"], listed(r["to"], 3), listed([str(m) for m in r["macs"] if m], 3), r["frame"]]
                for r in rows.group_by("ttl", maintain_order=True)
                .agg(
                    pl.len().alias("packets"),
                    pl.col("dst").unique(maintain_order=True).alias("to"),
                    pl.col("eth_src").unique().alias("macs"),
                    pl.col("frame").first(),
                )
                .sort("packets", descending=True, maintain_order=True)
                .head(100)
                .iter_rows(named=True)
            ],
            len(values),
        ),
        line_up=("ip.src", "ip.dst", "ip.ttl", "ip.id", "frame.len", "eth.src"),
    )
