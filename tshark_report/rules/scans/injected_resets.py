"""Did a reset come from somebody else than the host it names?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, own, span
from tshark_report.rules.scans.flag_probes import flag_names
from tshark_report.story.words import count, listed
from tshark_report.tables.sessions import ACK, RST, SYN
from tshark_report.tables.tables import Tables

SIGNS = Threshold(
    2, "signs", "a TTL of its own alone is common: firewalls and load balancers reset in the server's name"
)
ALONE = Threshold(3, "sessions", "with the TTL as the only sign, so many sessions are worth a low finding")
APART = Threshold(2, "hops", "one hop may be a second path or a mirror port")

COPY_SECONDS = 5.0
"""A forged reset is an answer to a packet just seen; over a longer time equal IP IDs are chance."""

RESERVED = 0xE00
"""The three reserved bits of the TCP header (RFC 9293)."""

SIGN_TEXTS = {
    "alive": "the sender went on as if it had not reset",
    "reserved": "reserved flag bits are set",
    "copied": "its IP ID equals the other side's packet",
    "early": "it came before the sender's SYN/ACK",
}


def suspects(tables: Tables, apart: float) -> pl.DataFrame:
    """Resets with what sets them apart from the sender's other packets in the session; worked out once."""
    kept: pl.DataFrame | None = tables.kept.get(("suspect resets", apart))
    if kept is None:
        kept = tables.kept["suspect resets", apart] = _suspects(tables, apart)
    return kept


def _suspects(tables: Tables, apart: float) -> pl.DataFrame:
    flags = pl.col("flags")
    tcp = (
        (pl.col("transport") == "tcp")
        & pl.col("stream").is_not_null()
        & flags.is_not_null()
        & pl.col("ttl").is_not_null()
    )
    resets = tables.packets.filter(tcp & ((flags & RST) != 0))
    if resets.is_empty():
        return resets
    touched = near.packets(
        tables,
        tcp & pl.col("stream").is_in(resets["stream"].unique().implode()),
        "frame", "time", "src", "src_port", "dst", "dst_port", "ip_id", "ttl", "flags", "payload",
    )  # fmt: skip
    # Streams are compared by their four numbers: after a reset tshark may begin a new stream for the same ones.
    ends = ["src", "src_port", "dst", "dst_port"]
    others = touched.filter((flags & RST) == 0)
    own_packets = others.group_by(ends).agg(
        pl.col("ttl").unique().alias("ttls"),
        pl.col("ttl").mode().first().alias("usual"),
        pl.len().alias("others"),
        # A late FIN or ACK may have been on its way; data and a handshake come from a host that did not reset.
        pl.col("frame").filter((pl.col("payload") > 0) | ((flags & SYN) != 0)).max().alias("last_frame"),
        pl.col("frame").filter((flags & (SYN | ACK)) == (SYN | ACK)).min().alias("syn_ack_frame"),
    )
    before = others.select(
        pl.col("dst").alias("src"),
        pl.col("dst_port").alias("src_port"),
        pl.col("src").alias("dst"),
        pl.col("src_port").alias("dst_port"),
        pl.col("ip_id").alias("their_id"),
        pl.col("frame").alias("their_frame"),
        pl.col("time").alias("their_time"),
    ).filter(pl.col("their_id") > 0)
    copied = (
        resets.select("frame", "time", "ip_id", *ends)
        .join(before, left_on=[*ends, "ip_id"], right_on=[*ends, "their_id"])
        .filter(pl.col("their_frame") < pl.col("frame"))
        .filter(pl.col("time") - pl.col("their_time") <= COPY_SECONDS)
        .group_by("frame")
        .agg(pl.col("their_frame").min())
    )
    rows = resets.join(own_packets, on=ends, how="left", maintain_order="left").join(
        copied, on="frame", how="left", maintain_order="left"
    )
    distance = (pl.col("ttl").cast(pl.Int32) - pl.col("usual").cast(pl.Int32)).abs()
    odd = (distance >= apart) & ~pl.col("ttls").list.contains(pl.col("ttl"))
    return rows.with_columns(
        odd.fill_null(value=False).alias("other_ttl"),
        (pl.col("last_frame") > pl.col("frame")).fill_null(value=False).alias("alive"),
        ((flags & RESERVED) != 0).alias("reserved"),
        pl.col("their_frame").is_not_null().alias("copied"),
        (pl.col("syn_ack_frame") > pl.col("frame")).fill_null(value=False).alias("early"),
    ).with_columns(
        sum((pl.col(name).cast(pl.Int32) for name in ("other_ttl", "alive", "reserved", "copied")), pl.lit(0)).alias(
            "signs"
        )
    )


@rule(
    code="HDR001",
    name="injected-resets",
    family="scans",
    title="Resets (RST) did not fit the host in whose name they came (injected reset)",
    question="Did somebody in between end connections with forged resets?",
    answers=("Q7", "Q10"),
    why="Packets of one host travel the same distance, so their TTL is alike. A reset with another TTL, with"
    " reserved flag bits,"
    " or with the IP ID of the other side's packet, after which the supposed sender goes on talking, was made on the"
    " way: by a"
    " firewall, a censor, an intrusion-prevention system, or somebody on the link.",
    innocent=(
        Innocent(
            explanation="The company's own firewall or intrusion-prevention system ends what its policy forbids.",
            tell_apart="Its log has the block for the same second; the TTL fits its distance.",
        ),
        Innocent(
            explanation="The path changed, or a load balancer resets on behalf of the server behind it.",
            tell_apart="The server sends nothing more in that session, and the TTL of its later sessions agrees.",
        ),
    ),
    confirm=(
        "Compare TTL, IP ID and TCP options of the reset with the packets before and after it from the same address.",
        "Does the real answer arrive after the reset? Then the reset was not the server's.",
        "Capture on the other side too: did that host send the reset?",
    ),
    references=(
        Reference(
            title="Weaver et al., Detecting Forged TCP Reset Packets, NDSS 2009",
            url="https://www.icir.org/vern/papers/reset-injection.ndss09.pdf",
        ),
        Reference(title="RFC 9293, Transmission Control Protocol", url="https://www.rfc-editor.org/rfc/rfc9293"),
    ),
    needs=("tcp_sessions",),
    thresholds={"signs": SIGNS, "alone": ALONE, "apart": APART},
    fields=("tcp.flags", "ip.ttl"),
    weight=48,
)
def injected_resets(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each host that the resets went to."""
    rows = suspects(tables, context.limit("apart"))
    if rows.is_empty():
        return
    strong = rows.filter((pl.col("other_ttl") | pl.col("reserved")) & (pl.col("signs") >= context.limit("signs")))
    # A scanner makes its SYN itself and leaves the reset to its system: one packet is nothing to compare with.
    weak = rows.filter(pl.col("other_ttl") & (pl.col("signs") < context.limit("signs")) & (pl.col("others") >= 2))
    told: set[str] = set()
    sizes = strong.group_by("dst", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    for receiver in sizes["dst"].to_list()[:FINDINGS]:
        told.add(receiver)
        yield _draft(tables, strong.filter(pl.col("dst") == receiver), receiver, strong=True)
    for receiver in weak["dst"].unique(maintain_order=True).to_list():
        mine = weak.filter(pl.col("dst") == receiver)
        if receiver not in told and mine["stream"].n_unique() >= context.limit("alone") and len(told) < FINDINGS:
            told.add(receiver)
            yield _draft(tables, mine, receiver, strong=False)


def _signs(row: dict[str, object]) -> list[str]:
    return [text for name, text in SIGN_TEXTS.items() if row[name]]


def _draft(tables: Tables, rows: pl.DataFrame, receiver: str, *, strong: bool) -> Draft:
    first = rows.sort("signs", descending=True, maintain_order=True).to_dicts()[0]
    senders = rows["src"].unique(maintain_order=True).to_list()
    pairs = rows.select("src", "src_port", "dst_port", "ttl").unique(maintain_order=True).to_dicts()[:25]
    mine = rows
    if len(pairs) == 25:
        mine = rows.join(
            rows.select("src", "src_port", "dst_port", "ttl").unique(maintain_order=True).head(25),
            on=["src", "src_port", "dst_port", "ttl"],
            how="semi",
            maintain_order="left",
        )
    # The filter names sessions and TTL; resets there that had too few signs fit it as well.
    every = tables.packets.filter(
        (pl.col("transport") == "tcp") & ((pl.col("flags") & RST) != 0) & (pl.col("dst") == receiver)
    ).join(
        mine.select("src", "src_port", "dst_port", "ttl").unique(),
        on=["src", "src_port", "dst_port", "ttl"],
        how="semi",
    )
    ttl = "ipv6.hlim" if ":" in receiver else "ip.ttl"
    each = [
        filters.all_of(
            filters.src(p["src"]),
            filters.src_port("tcp", p["src_port"]),
            filters.dst_port("tcp", p["dst_port"]),
            filters.equals(ttl, p["ttl"]),
        )
        for p in pairs
    ]
    usual, signs = first["usual"], _signs(first)
    flags = flag_names(first["flags"]) + (" and reserved bits" if first["flags"] & RESERVED else "")
    known = first["ip_id"] is not None
    identity = f", IP ID 0x{first['ip_id']:04x}" if known else ""
    copied = f" (the same as in {receiver}'s packet, frame {first['their_frame']})" if first["copied"] else ""
    if first["other_ttl"]:
        compared = f"TTL {first['ttl']} differs from the TTL {usual} of its other packets"
    else:
        compared = f"TTL {first['ttl']}" + (f", its other packets have TTL {usual}" if usual is not None else "")
    return Draft(
        subject=receiver,
        hosts=(receiver, *senders[:10]),
        summary=f"{count(rows.height, 'reset')} (RST) to {receiver} in the name of {listed(senders, 4, 'more hosts')}"
        f" {span(rows['time'][0], rows['time'][-1])} did not fit that host: in frame {first['frame']} from"
        f" {first['src']}:"
        f"{first['src_port']} to {receiver}:{first['dst_port']}, {compared}; flags {flags}{identity}{copied}."
        + (f" Signs of an injected reset: {'; '.join(signs)}." if signs else ""),
        sentence=f"{receiver} got {count(rows.height, 'reset')} in the name of {listed(senders, 3, 'more hosts')} that"
        f" {'do' if rows.height > 1 else 'does'} not fit: {compared}" + (f", and {signs[0]}" if signs else ""),
        priority="medium" if strong else "low",
        confidence="high" if strong and len(signs) >= 2 else "medium" if strong else "low",
        display_filter=own(
            tables, filters.dst(receiver), filters.equals("tcp.flags.reset", 1), " || ".join(f"({e})" for e in each)
        ),
        frames=frame_numbers(every),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "address"),
                ("port", "port"),
                ("to", "address"),
                ("to port", "port"),
                ("flags", "text"),
                ("TTL", "count"),
                ("usual TTL", "count"),
                ("IP ID", "text"),
                ("signs", "text"),
            ),
            [
                [
                    r["frame"],
                    r["time"],
                    r["src"],
                    r["src_port"],
                    r["dst"],
                    r["dst_port"],
                    flag_names(r["flags"]) + (" reserved" if r["flags"] & RESERVED else ""),
                    r["ttl"],
                    r["usual"],
                    None if r["ip_id"] is None else f"0x{r['ip_id']:04x}",
                    "; ".join(_signs(r)),
                ]
                for r in rows.head(100).iter_rows(named=True)
            ],
            rows.height,
        ),
        line_up=("ip.src", "ip.ttl", "ip.id", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.window_size_value"),
    )
