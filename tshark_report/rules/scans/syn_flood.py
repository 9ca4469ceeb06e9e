"""Was one service sent more SYNs than anybody would use?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    SYN_FILTER,
    busiest,
    frame_numbers,
    number,
    own,
    service,
    several,
    span,
    syn_packets,
    whole,
)
from tshark_report.rules.scans._marks import crafted
from tshark_report.rules.scans.vertical_port_scan import scanned_pairs
from tshark_report.story.words import duration, listed
from tshark_report.tables.tables import Tables

SYNS = Threshold(
    200, "SYNs in 10 seconds", "a client that retries sends one a second; a busy page a few dozen, which are completed"
)
HALF = Threshold(0.7, "share of the SYNs", "ordinary clients finish the handshake and send a request")
SPOOFED = Threshold(50, "sources", "so many sources with one or two SYNs each are made up, or a botnet")
STEP = 10.0


@rule(
    code="SCN006",
    name="syn-flood",
    family="scans",
    title="One service received many SYNs whose connections were never completed (SYN flood)",
    question="Is somebody filling up a server with half-open connections?",
    answers=("Q6", "Q7"),
    why="Each SYN costs the server memory until the handshake ends. Many SYNs that are never completed, from one"
    " source or"
    " from made-up ones, deny the service to others.",
    innocent=(
        Innocent(
            explanation="A load test, or a crowd of real users at the start of a sale.",
            tell_apart="Real clients complete the handshake and send a request; load tests are announced.",
        ),
        Innocent(
            explanation="The server is down, and its many clients retry.",
            tell_apart="Each client sends a few SYNs, seconds apart, and was served before.",
        ),
    ),
    confirm=(
        "Does the server answer other clients during these minutes? Look at its SYN backlog or SYN-cookie counter.",
        "Compare TTL and options of the SYNs: one TTL for many sources means that they come from one place.",
    ),
    references=(
        Reference(title="RFC 4987, TCP SYN Flooding Attacks", url="https://www.rfc-editor.org/rfc/rfc4987"),
        Reference(title="ATT&CK T1498.001 Direct Network Flood", url="https://attack.mitre.org/techniques/T1498/001/"),
    ),
    needs=("tcp_sessions",),
    thresholds={"syns": SYNS, "half": HALF, "spoofed": SPOOFED},
    fields=("tcp.flags",),
    weight=65,
    rests_on=("both-sides",),
)
def syn_flood(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each flooded host."""
    sessions = tables.tcp_sessions.filter(pl.col("syns") > 0)
    half = sessions.filter(~pl.col("established") & (pl.col("client_payload") == 0) & (pl.col("server_payload") == 0))
    heavy = (
        half.group_by("server", maintain_order=True)
        .agg(pl.col("syns").sum())
        .filter(pl.col("syns") >= context.limit("syns"))
    )
    if heavy.is_empty():
        return
    scanned = scanned_pairs(tables).select(pl.col("client").alias("src"), pl.col("server").alias("dst"))
    syns = syn_packets(tables).join(scanned, on=["src", "dst"], how="anti", maintain_order="left")
    halves = half.select("stream")
    found = 0
    for server in heavy.sort("syns", descending=True)["server"].to_list():
        mine = syns.filter(pl.col("dst") == server)
        open_ones = mine.join(halves, on="stream", how="semi", maintain_order="left")
        if (
            busiest(open_ones["time"], STEP) < context.limit("syns")
            or open_ones.height < context.limit("half") * mine.height
        ):
            continue
        found += 1
        if found <= FINDINGS:
            yield _draft(tables, context, server, open_ones)


def _draft(tables: Tables, context: Context, server: str, rows: pl.DataFrame) -> Draft:
    by_port = rows["dst_port"].value_counts(sort=True)
    ports = by_port["dst_port"].to_list()
    main = ports if len(ports) <= 5 else []
    every = tables.packets.filter(pl.col("dst") == server).join(
        syn_packets(tables).select("frame"), on="frame", how="semi"
    )
    if main:
        every = every.filter(pl.col("dst_port").is_in(main))
    by_source = (
        rows.group_by("src", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("syns"),
            pl.col("src_port").n_unique().alias("ports"),
            pl.col("time").min(),
            pl.col("time").max().alias("last"),
            pl.col("frame").first(),
        )
        .sort("syns", descending=True, maintain_order=True)
    )
    sources = by_source["src"].to_list()
    first, last = number(rows["time"].min()), number(rows["time"].max())
    peak = busiest(rows["time"], 1.0)
    ttls = rows["ttl"].drop_nulls().unique().sort().to_list()
    spoofed = len(sources) >= context.limit("spoofed") and number(by_source["syns"].median()) <= 2
    told = f"{len(sources):,} sources" if len(sources) > 1 else f"one source, {sources[0]}"
    answered = tables.tcp_sessions.filter(
        (pl.col("server") == server) & (pl.col("syn_acks") > 0) & ~pl.col("established")
    ).height
    heavy = rows.height >= 5 * SYNS.value or spoofed
    doubt = " Most sources sent one or two: made-up addresses (spoofed), or very many machines." if spoofed else ""
    one_ttl = (
        f" All came with TTL {ttls[0]}, so probably from one place." if len(ttls) == 1 and len(sources) >= 10 else ""
    )
    service_text = listed([service(p) for p in ports], 4, "more ports")
    return Draft(
        subject=server,
        hosts=(server, *sources[:10]),
        summary=f"{server} received {rows.height:,} SYNs to TCP port {service_text} whose connections were never"
        " completed, from"
        f" {told} ({several(sources)}) in {duration(last - first)}, {span(first, last)}, up to {peak:,.0f} a second:"
        " a SYN flood"
        f" by its shape. {server} answered {answered:,} of the connections with SYN/ACK.{doubt}{one_ttl}"
        f"{crafted(rows) if len(sources) == 1 else ''}",
        sentence=f"{server} began to receive SYNs to TCP port {service_text} from {told}, {rows.height:,} in"
        f" {duration(last - first)} and none completed, a SYN flood by its shape",
        priority="high" if heavy else "medium",
        confidence="high" if whole(rows.height) >= 5 * SYNS.value else "medium",
        display_filter=own(
            tables, filters.dst(server), SYN_FILTER, filters.any_of(*(filters.dst_port("tcp", p) for p in main))
        ),
        frames=frame_numbers(every),
        evidence=evidence(
            (
                ("source", "address"),
                ("SYNs", "count"),
                ("source ports", "count"),
                ("first", "time"),
                ("seconds", "seconds"),
                ("frame", "frame"),
            ),
            [
                [r["src"], r["syns"], r["ports"], r["time"], round(r["last"] - r["time"], 3), r["frame"]]
                for r in by_source.head(100).iter_rows(named=True)
            ],
            by_source.height,
        ),
        line_up=(
            "ip.src",
            "tcp.srcport",
            "tcp.dstport",
            "tcp.flags",
            "tcp.seq_raw",
            "tcp.window_size_value",
            "ip.ttl",
            "ip.id",
        ),
    )
