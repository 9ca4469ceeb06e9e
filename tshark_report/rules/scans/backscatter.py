"""Are these answers to questions that nobody here asked?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, number, own, service, several, span
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.sessions import ACK, RST, SYN
from tshark_report.tables.tables import Tables

ADDRESSES = Threshold(10, "addresses", "a stray answer reaches one address; answers to made-up sources reach many")
PACKETS = Threshold(20, "packets", "fewer may be leftovers from before the capture began")
TALKING = Threshold(0.1, "share of the answers", "where more streams carry data, only one direction was captured")


def answers(tables: Tables) -> pl.DataFrame:
    """SYN/ACK and RST packets that start a stream in which no SYN and no payload was seen."""
    kept: pl.DataFrame | None = tables.kept.get("unasked answers")
    if kept is None:
        kept = tables.kept["unasked answers"] = _answers(tables)
    return kept


def _answers(tables: Tables) -> pl.DataFrame:
    mute = tables.tcp_sessions.filter(
        (pl.col("syns") == 0) & (pl.col("client_payload") == 0) & (pl.col("server_payload") == 0)
    ).select("stream")
    flags = pl.col("flags")
    # Streams first: few are mute, and only their packets are worth copying.
    spoken = (pl.col("transport") == "tcp") & flags.is_not_null() & pl.col("src").is_not_null()
    tcp = tables.packets.filter(spoken & pl.col("stream").is_in(mute["stream"].implode()))
    kind = (
        pl.when((flags & (SYN | ACK | RST)) == (SYN | ACK))
        .then(pl.lit("SYN/ACK"))
        .when((flags & RST) != 0)
        .then(pl.lit("RST"))
    )
    rows = tcp.with_columns(kind.alias("kind"))
    first = rows.group_by("stream").agg(pl.col("src").first().alias("opener"))
    rows = rows.filter(pl.col("kind").is_not_null()).join(first, on="stream", maintain_order="left")
    # Whoever resets such an answer only says that it did not ask.
    return rows.filter(pl.col("src") == pl.col("opener"))


def sources_of_backscatter(tables: Tables, limits: dict[str, float]) -> pl.DataFrame:
    """Answering address and port with packet and address counts."""
    rows = answers(tables)
    by_source = (
        rows.group_by("src", "src_port", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("packets"),
            pl.col("dst").n_unique().cast(pl.Int64).alias("addresses"),
            (pl.col("kind") == "SYN/ACK").sum().cast(pl.Int64).alias("syn_acks"),
            pl.col("dst_port").n_unique().cast(pl.Int64).alias("ports"),
        )
        .filter((pl.col("addresses") >= limits["addresses"]) & (pl.col("packets") >= limits["packets"]))
    )
    # A busy server of which only this direction was captured talks in most of its streams.
    streams = tables.tcp_sessions.group_by(pl.col("server").alias("src"), pl.col("server_port").alias("src_port")).agg(
        ((pl.col("server_payload") > 0) | (pl.col("client_payload") > 0) | (pl.col("syns") > 0)).mean().alias("talking")
    )
    joined = by_source.join(streams, on=["src", "src_port"], how="left", maintain_order="left")
    return joined.filter(pl.col("talking").fill_null(0.0) <= limits["talking"])


@rule(
    code="SCN005",
    name="backscatter",
    family="scans",
    title="Unsolicited SYN/ACK or RST answers reached many addresses (backscatter)",
    question="Does somebody answer questions that nobody here asked?",
    answers=("Q4", "Q10"),
    why="A server answers every SYN. When a flood uses made-up source addresses, its answers go to the owners of these"
    " addresses, who never asked. The sender of the answers is the target of that flood, not its origin.",
    innocent=(
        Innocent(
            explanation="Only one direction of ordinary traffic was captured.",
            tell_apart="Then data follows the SYN/ACK in the same direction; in backscatter nothing follows.",
        ),
        Innocent(
            explanation="A load balancer or a second path brings the requests by another way.",
            tell_apart="Then the receivers do not reset the answers, and the same pairs exchange data elsewhere.",
        ),
    ),
    confirm=(
        "No SYN from the receivers to the answering port exists in the capture or in the firewall's log.",
        "Receivers that exist reset the answers; the acknowledged sequence numbers follow no connection.",
        "Nothing has to be cleaned here; tell the owner of the answering address if the flood goes on.",
    ),
    references=(
        Reference(
            title="Moore et al., Inferring Internet Denial-of-Service Activity, 2001",
            url="https://www.caida.org/catalog/papers/2001_backscatter/",
        ),
        Reference(title="RFC 4987, TCP SYN Flooding Attacks", url="https://www.rfc-editor.org/rfc/rfc4987"),
    ),
    needs=("tcp_sessions",),
    thresholds={"addresses": ADDRESSES, "packets": PACKETS, "talking": TALKING},
    fields=("tcp.flags",),
    weight=50,
)
def backscatter(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each answering address."""
    found = sources_of_backscatter(tables, dict(context.limits))
    if found.is_empty():
        return
    rows = answers(tables)
    order = (
        found.group_by("src", maintain_order=True)
        .agg(pl.col("packets").sum())
        .sort("packets", descending=True, maintain_order=True)
    )
    for src in order["src"].to_list()[:FINDINGS]:
        ports = found.filter(pl.col("src") == src)["src_port"].sort().to_list()
        yield _draft(tables, rows.filter((pl.col("src") == src) & pl.col("src_port").is_in(ports)), src, ports)


def _draft(tables: Tables, rows: pl.DataFrame, src: str, ports: list[int]) -> Draft:
    # The filter cannot ask whether a SYN was seen: it takes every such answer of these ports.
    flags = pl.col("flags")
    mine = near.packets(
        tables,
        (pl.col("transport") == "tcp")
        & (pl.col("src") == src)
        & pl.col("src_port").is_in(ports)
        & (((flags & (SYN | ACK)) == (SYN | ACK)) | ((flags & RST) != 0)),
        "frame",
    )
    addresses = rows["dst"].unique(maintain_order=True).to_list()
    acks, resets = rows.filter(pl.col("kind") == "SYN/ACK").height, rows.filter(pl.col("kind") == "RST").height
    first, last = number(rows["time"].min()), number(rows["time"].max())
    back = (pl.col("transport") == "tcp") & (pl.col("dst") == src) & pl.col("dst_port").is_in(ports)
    ended = near.packets(tables, back & ((flags & RST) != 0), "frame").height
    named = ", ".join(f"{src}:{p}" for p in ports[:3])
    made = " and ".join(
        text
        for text, n in (
            (count(acks, "SYN/ACK", "SYN/ACKs"), acks),
            (count(resets, "reset (RST)", "resets (RST)"), resets),
        )
        if n
    )
    return Draft(
        subject=src,
        hosts=(src, *addresses[:10]),
        summary=f"{named} sent {made} to {len(addresses):,} addresses ({several(addresses)}) over"
        f" {duration(last - first)},"
        f" {span(first, last)}, and no SYN from any of them was seen. These are unsolicited answers: backscatter of"
        " a flood"
        f" with spoofed source addresses against port {listed([service(p) for p in ports], 3)}. "
        + (f"The receivers reset {ended:,} of them." if ended else "The receivers sent nothing back."),
        sentence=f"{src} sent unsolicited {made} to {len(addresses):,} addresses that had sent no SYN: backscatter,"
        " the answers of"
        " a server that is flooded from spoofed addresses",
        priority="medium",
        confidence="high" if acks >= 5 * PACKETS.value and len(addresses) >= 3 * ADDRESSES.value else "medium",
        display_filter=own(
            tables,
            filters.src(src),
            filters.any_of(*(filters.src_port("tcp", p) for p in ports)),
            "(tcp.flags.syn == 1 && tcp.flags.ack == 1) || tcp.flags.reset == 1",
        ),
        frames=frame_numbers(mine),
        evidence=evidence(
            (
                ("from", "address"),
                ("port", "port"),
                ("to", "address"),
                ("SYN/ACK", "count"),
                ("RST", "count"),
                ("ports", "count"),
                ("first", "time"),
                ("frame", "frame"),
            ),
            (
                grouped := rows.group_by("src", "src_port", "dst", maintain_order=True)
                .agg(
                    (pl.col("kind") == "SYN/ACK").sum().alias("sa"),
                    (pl.col("kind") == "RST").sum().alias("r"),
                    pl.col("dst_port").n_unique().alias("ports"),
                    pl.col("time").first(),
                    pl.col("frame").first(),
                )
                .sort("sa", descending=True, maintain_order=True)
            )
            .head(100)
            .rows(),
            grouped.height,
        ),
        line_up=("ip.dst", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "ip.ttl", "ip.id"),
    )
