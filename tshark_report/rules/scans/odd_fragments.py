"""Are IP fragments as a network would make them?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, not_errors, number, span
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

TINY = Threshold(64, "bytes of data", "every link carries 68 bytes (RFC 791), real ones 576 and more")
FEW = Threshold(2, "tiny fragments", "two show that it is no accident of one packet")
MANY = Threshold(8, "tiny fragments", "enough for several packets, each cut into pieces on purpose")
LOST = Threshold(5, "incomplete packets", "a lost fragment now and then is ordinary loss")
GAP = 30.0
"""Seconds after which the same IP ID belongs to another packet (reassembly times out after 15 to 60 s, RFC 1122)."""
LARGEST = 65535


def fragments(packets: pl.DataFrame, six: pl.DataFrame | None = None) -> pl.DataFrame:
    """IP fragments with the bytes that they carry: `start` to `end` of the packet, `more` whether others follow.

    `six` is the table of IPv6 fragments, whose `ident` tells packets apart as the IP ID of IPv4 does.
    """
    flags = pl.col("ip_flags").fill_null(0)
    # tshark prints ip.flags as three bits (4.0 and later) or as the byte that holds them.
    bit = pl.when(flags < 8).then((flags & 1) != 0).otherwise((flags & 0x20) != 0)
    of_six = pl.col("src").str.contains(":", literal=True)
    more = (
        pl.when(of_six)
        .then(pl.col("more_fragments").fill_null(value=False))
        .otherwise(bit | pl.col("more_fragments").fill_null(value=False))
    )
    cut = pl.col("fragment_offset").is_not_null() & pl.col("src").is_not_null()
    rows = packets.filter(cut & (more | (pl.col("fragment_offset") > 0))).with_columns(more.alias("more"))
    ident = pl.col("ip_id").cast(pl.Int64)
    if six is not None and six.height:
        numbers = six.select("frame", pl.col("ident").alias("ident6")).unique("frame", keep="first")
        rows = rows.join(numbers, on="frame", how="left", maintain_order="left")
        ident = pl.coalesce("ident6", ident)
    rows = rows.with_columns(ident.alias("ident"))
    # IPv6 counts the payload behind the fixed header, of which the fragment header is 8 bytes.
    header = pl.when(pl.col("src").str.contains(":", literal=True)).then(8).otherwise(20)
    return rows.with_columns(
        (pl.col("fragment_offset").cast(pl.Int64) * 8).alias("start"),
        (pl.col("ip_length").cast(pl.Int64) - header).clip(0).alias("data"),
    ).with_columns((pl.col("start") + pl.col("data")).alias("end"))


def datagrams(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each packet that was cut: its fragments, overlaps, and whether it can be put together."""
    whole = ["src", "dst", "ident"]
    rows = rows.sort("frame").with_columns(pl.col("time").diff().over(whole).fill_null(0.0).alias("pause"))
    # A first fragment after the last one, or a long pause, begins another packet with the same IP ID.
    again = (
        (pl.col("start") == 0)
        & (pl.int_range(pl.len()).over(whole) > 0)
        & ~pl.col("more").shift(1).over(whole).fill_null(value=True)
    )
    rows = rows.with_columns(((pl.col("pause") > GAP) | again).cast(pl.Int64).cum_sum().over(whole).alias("nth"))
    key = [*whole, "nth"]
    rows = rows.with_columns(pl.len().over([*key, "start", "end"]).alias("copies"))
    ordered = rows.unique([*key, "start", "end"], keep="first", maintain_order=True).sort([*key, "start", "end"])
    reach = pl.col("end").cum_max().shift(1).over(key)
    ordered = ordered.with_columns(
        (pl.col("start") < reach).fill_null(value=False).alias("overlap"),
        (pl.col("start") > reach).fill_null(value=False).alias("hole"),
    )
    return ordered.group_by(key, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("pieces"),
        pl.col("overlap").sum().cast(pl.Int64).alias("overlaps"),
        (pl.col("hole").any() | (pl.col("start").min() > 0) | pl.col("more").all()).alias("incomplete"),
        pl.col("end").max().alias("bytes"),
        pl.col("frame").min().alias("frame"),
        pl.col("time").min().alias("time"),
    )


@rule(
    code="HDR002",
    name="odd-fragments",
    family="scans",
    title="IP packets were cut into odd fragments (tiny, overlapping or incomplete)",
    question="Do the fragments look as a network makes them?",
    answers=("Q10",),
    why="A network cuts packets because they are too large for a link, so all pieces but the last are large. Pieces"
    " of a few"
    " bytes, pieces that overlap, and pieces that reach past the largest packet hide a header from a filter, let the"
    " receiver"
    " and an inspection device read different packets, or crash old systems.",
    innocent=(
        Innocent(
            explanation="Large UDP packets (DNS, NFS, tunnels, video) on an ordinary link.",
            tell_apart="All pieces but the last are of one size near the MTU, and nothing overlaps.",
        ),
        Innocent(
            explanation="A mirror port or two capture points record each fragment twice.",
            tell_apart="The copies are equal in offset, length and IP ID, and ordinary packets come twice as well.",
        ),
    ),
    confirm=(
        "Put the packet together (Wireshark does) and look at what it says: does the TCP or UDP header make sense?",
        "Look at ip.fragment.overlap.conflict: overlapping pieces with different content are never an accident.",
    ),
    references=(
        Reference(
            title="RFC 1858, Security Considerations for IP Fragment Filtering",
            url="https://www.rfc-editor.org/rfc/rfc1858",
        ),
        Reference(
            title="RFC 5722, Handling of Overlapping IPv6 Fragments", url="https://www.rfc-editor.org/rfc/rfc5722"
        ),
        Reference(
            title="Ptacek and Newsham, Insertion, Evasion, and Denial of Service, 1998",
            url="https://insecure.org/stf/secnet_ids/secnet_ids.html",
        ),
    ),
    needs=("packets",),
    thresholds={"tiny": TINY, "few": FEW, "many": MANY, "lost": LOST},
    weight=46,
)
def odd_fragments(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each sender and receiver of odd fragments."""
    rows = fragments(tables.packets, tables.fragments6)
    if rows.is_empty():
        return
    small = rows.filter(pl.col("more") & (pl.col("data") <= context.limit("tiny")))
    tiny = small.group_by("src", "dst").agg(pl.len().cast(pl.Int64).alias("tiny"))
    made = datagrams(rows)
    per_pair = (
        made.filter(pl.col("ident").is_not_null())
        .group_by("src", "dst")
        .agg(
            (pl.col("overlaps") > 0).sum().cast(pl.Int64).alias("overlapping"),
            pl.col("incomplete").sum().cast(pl.Int64),
            (pl.col("bytes") > LARGEST).sum().cast(pl.Int64).alias("too_long"),
            pl.len().cast(pl.Int64).alias("datagrams"),
        )
    )
    pairs = (
        rows.group_by("src", "dst", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("fragments"))
        .join(tiny, on=["src", "dst"], how="left", maintain_order="left")
        .join(per_pair, on=["src", "dst"], how="left", maintain_order="left")
        .fill_null(0)
        .with_columns(
            ((pl.col("incomplete") >= context.limit("lost")) & (pl.col("incomplete") * 2 > pl.col("datagrams"))).alias(
                "holes"
            )
        )
        .filter(
            (pl.col("tiny") >= context.limit("few"))
            | (pl.col("overlapping") > 0)
            | (pl.col("too_long") > 0)
            | pl.col("holes")
        )
        .sort(pl.col("too_long") + pl.col("overlapping") + pl.col("tiny"), descending=True, maintain_order=True)
    )
    for pair in pairs.head(FINDINGS).to_dicts():
        mine = rows.filter((pl.col("src") == pair["src"]) & (pl.col("dst") == pair["dst"]))
        yield _draft(
            tables, context, pair, mine, made.filter((pl.col("src") == pair["src"]) & (pl.col("dst") == pair["dst"]))
        )


def _draft(tables: Tables, context: Context, pair: dict[str, object], rows: pl.DataFrame, made: pl.DataFrame) -> Draft:
    src, dst = str(pair["src"]), str(pair["dst"])
    tiny, overlapping, lost, long = (int(str(pair[k])) for k in ("tiny", "overlapping", "incomplete", "too_long"))
    sizes = rows.filter("more")["data"].value_counts(sort=True)
    usual = int(sizes["data"][0]) if sizes.height else 0
    ids = rows["ident"].drop_nulls().unique().sort().to_list()
    one_id = f", all with IP ID 0x{ids[0]:04x}" if len(ids) == 1 else ""
    told = []
    if tiny >= context.limit("few"):
        told.append(f"{tiny:,} are tiny fragments of at most {TINY.value:.0f} bytes of data, mostly {usual}")
    if overlapping:
        told.append(f"in {count(overlapping, 'packet')} fragments overlap each other")
    if long:
        told.append(f"{count(long, 'packet')} would be longer than the largest IP packet (65,535 bytes)")
    if pair["holes"]:
        told.append(f"{count(lost, 'packet')} of {pair['datagrams']} cannot be put together: fragments are missing")
    first, last = number(rows["time"].min()), number(rows["time"].max())
    grave = tiny >= context.limit("many") or overlapping or long
    priority: Priority = "medium" if grave else "low"
    kinds = [
        name
        for name, there in (
            ("tiny", tiny >= context.limit("few")),
            ("overlapping", overlapping),
            ("over-long", long),
            ("incomplete", pair["holes"]),
        )
        if there
    ]
    name = "ipv6.fraghdr" if ":" in src else ""
    which = name or filters.any_of(filters.equals("ip.flags.mf", 1), "ip.frag_offset > 0")
    return Draft(
        subject=f"{src} -> {dst}",
        hosts=(src, dst),
        summary=f"{src} sent {rows.height:,} IP fragments to {dst} in {duration(last - first)},"
        f" {span(first, last)}{one_id}:"
        f" {'; '.join(told)}.",
        sentence=f"{src} sent {rows.height:,} IP fragments to {dst}, {listed(kinds)} ones among them ({told[0]})",
        priority=priority,
        confidence="high" if grave else "medium",
        display_filter=filters.all_of(filters.src(src), filters.dst(dst), which, not_errors(tables)),
        frames=frame_numbers(rows),
        evidence=evidence(
            (
                ("first frame", "frame"),
                ("time", "time"),
                ("IP ID", "text"),
                ("fragments", "count"),
                ("bytes", "bytes"),
                ("overlaps", "count"),
                ("complete", "text"),
            ),
            [
                [
                    r["frame"],
                    r["time"],
                    None if r["ident"] is None else f"0x{r['ident']:04x}",
                    r["pieces"],
                    r["bytes"],
                    r["overlaps"],
                    "no" if r["incomplete"] else "yes",
                ]
                for r in made.sort(pl.col("overlaps"), descending=True, maintain_order=True)
                .head(100)
                .iter_rows(named=True)
            ],
            made.height,
        ),
        line_up=("ip.src", "ip.dst", "ip.id", "ip.flags", "ip.frag_offset", "ip.len", "ip.ttl", "ip.proto"),
        weight=6.0 if rows.height * 2 > tables.packets.height else 0.0,
    )
