"""TUN001: echo requests and replies that carry something else than a ping."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

REQUESTS, REPLIES = (8, 128), (0, 129)
"""Echo request and reply of ICMP (RFC 792) and ICMPv6 (RFC 4443)."""


@rule(
    code="TUN001",
    name="icmp-tunnel",
    family="names",
    title="Two hosts exchanged echo packets that are no ping, as an ICMP tunnel does",
    question="Do echo requests and replies carry data of their own?",
    answers=("Q4", "Q6"),
    why="A reply repeats the request's payload byte for byte. Where replies have other lengths than the requests, come "
    "without one, or where sizes jump about while identifier and sequence number stand still, a program uses the "
    "packets as a channel: ping is often let through where nothing else is.",
    innocent=(
        Innocent(
            explanation="A path-MTU test sends echo requests of growing size.",
            tell_apart="Sizes only grow (or are halved), Don't Fragment is set, and each reply is as long as its "
            "request.",
        ),
        Innocent(
            explanation="Some servers answer large echo requests with a shortened payload.",
            tell_apart="All replies then have one and the same length; the requests come from an ordinary ping.",
        ),
        Innocent(
            explanation="Monitoring sends many echo requests, some with a varying payload.",
            tell_apart="One size or few sizes, a growing sequence number, replies equal to the requests.",
        ),
    ),
    confirm=(
        "Look at the payload of the longest packets: does an IP header (45 00), SSH or HTTP show?",
        "Which process on the client holds a raw socket in these minutes?",
        "Is the peer a host that anyone has a reason to ping for so long?",
    ),
    references=(
        Reference(
            title="ATT&CK T1095: Non-Application Layer Protocol", url="https://attack.mitre.org/techniques/T1095/"
        ),
        Reference(title="ATT&CK T1572: Protocol Tunneling", url="https://attack.mitre.org/techniques/T1572/"),
        Reference(
            title="RFC 792: an echo reply returns the data of the request", url="https://www.rfc-editor.org/rfc/rfc792"
        ),
        Reference(title="RFC 4443, section 4.2: Echo Reply", url="https://www.rfc-editor.org/rfc/rfc4443#section-4.2"),
    ),
    needs=("icmp",),
    thresholds={
        "packets": Threshold(10, "packets", "echo packets of one pair; fewer are a few pings"),
        "unlike_replies": Threshold(5, "replies", "replies whose length differs from the request they answer"),
        "sizes": Threshold(4, "sizes", "different payload lengths; a ping has one, a shortened reply makes two"),
        "surplus_replies": Threshold(
            10, "replies", "replies beyond the number of requests: a server that sends on its own"
        ),
        "free_sizes": Threshold(12, "sizes", "different request lengths that do not simply grow, answered or not"),
        "free_requests": Threshold(40, "requests", "requests needed before free sizes alone are told"),
    },
    weight=92,
)
def icmp_tunnel(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group echo packets by pair, compare payload lengths of replies with those of the requests before them."""
    echo = echoes(tables)
    if echo.is_empty():
        return
    enough = echo.group_by("a", "b").len().filter(pl.col("len") >= context.limit("packets"))
    made = []
    for a, b in enough.select("a", "b").iter_rows():
        rows = echo.filter((pl.col("a") == a) & (pl.col("b") == b))
        made += list(_pair(rows, context))
    made.sort(key=lambda d: (d.priority != "high", -len(d.frames)))
    yield from made[: c.MOST_FINDINGS]


def echoes(tables: Tables) -> pl.DataFrame:
    """Echo packets with `payload` (bytes after the ICMP header; null for fragments), `request`, and the pair."""
    kinds = pl.col("type").is_in([*REQUESTS, *REPLIES])
    echo = tables.icmp.filter(kinds & pl.col("src").is_not_null() & pl.col("dst").is_not_null())
    sizes = tables.packets.select("frame", "ip_length", "fragment_offset", "more_fragments")
    six = pl.col("src").str.contains(":", literal=True)
    whole = (pl.col("fragment_offset").fill_null(0) == 0) & ~pl.col("more_fragments").fill_null(value=False)
    # An IPv4 length holds its own 20-byte header, an IPv6 length does not; both hold 8 bytes of ICMP.
    payload = pl.col("ip_length").cast(pl.Int64) - pl.when(six).then(8).otherwise(28)
    return echo.join(sizes, on="frame", maintain_order="left").with_columns(
        pl.col("type").is_in(REQUESTS).alias("request"),
        # A fragment's length says nothing about the whole.
        pl.when(whole).then(payload.clip(lower_bound=0)).alias("payload"),
        pl.min_horizontal("src", "dst").alias("a"),
        pl.max_horizontal("src", "dst").alias("b"),
    )


def _pair(rows: pl.DataFrame, context: Context) -> Iterator[Draft]:
    requests, replies = rows.filter("request"), rows.filter(~pl.col("request"))
    unlike = _unlike(rows)
    sizes = rows["payload"].drop_nulls().n_unique()
    one_reply_size = replies["payload"].drop_nulls().n_unique() <= 1
    surplus = replies.height - requests.height
    differs = (
        unlike >= context.limit("unlike_replies")
        and sizes >= context.limit("sizes")
        and not one_reply_size
        and unlike >= 0.1 * max(replies.height, 1)
    )
    unasked = (
        surplus >= context.limit("surplus_replies")
        and 0 < 1.3 * requests.height <= replies.height
        and sizes >= context.limit("sizes")
    )
    free = (
        requests["payload"].drop_nulls().n_unique() >= context.limit("free_sizes")
        and requests.height >= context.limit("free_requests")
        and _jumping(requests["payload"].drop_nulls())
    )
    if not (differs or unasked or free):
        return
    opener = requests if requests.height else replies
    client = str(opener["src"][0] if requests.height else opener["dst"][0])
    server = str(opener["dst"][0] if requests.height else opener["src"][0])
    total = int(rows["payload"].sum())
    smallest, largest = int(rows["payload"].min() or 0), int(rows["payload"].max() or 0)  # type: ignore[arg-type]
    idents, sequences = rows["ident"].drop_nulls().unique(), rows["sequence"].drop_nulls().unique()
    ident = f"always identifier {idents[0]}" if len(idents) == 1 else f"{len(idents):,} identifiers"
    sequence = (
        f"always sequence number {sequences[0]}" if len(sequences) == 1 else f"{len(sequences):,} sequence numbers"
    )
    first, last = c.first_time(rows), c.last_time(rows)
    priority: Priority = "high" if differs or unasked else "medium"
    confidence: Confidence = "high" if (differs and total >= 2_000) or unasked else "medium"
    parts = []
    if unlike:
        parts.append(f"{unlike:,} of {replies.height:,} replies differ in length from the request before them")
    if surplus >= context.limit("surplus_replies"):
        parts.append(f"{surplus:,} more replies than requests")
    summary = (
        f"{client} and {server} exchanged {requests.height:,} echo requests and {replies.height:,} replies "
        f"{c.minutes(first, last)}, as an ICMP tunnel would: payload sizes vary from {smallest:,} to {largest:,} bytes "
        f"({sizes} different sizes, {c.size_text(total)} in all), {ident}, {sequence}"
        + (f"; {'; '.join(parts)}." if parts else ".")
    )
    yield Draft(
        subject=f"{client} {server}",
        hosts=(client, server),
        summary=summary,
        sentence=f"{client} began to exchange echo packets of {sizes} different sizes (up to {largest:,} bytes of "
        f"payload) "
        f"with {server}, as an ICMP tunnel does",
        priority=priority,
        confidence=confidence,
        display_filter=pair_filter(client, server),
        frames=c.frames_of(rows),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("from", "address"),
                ("to", "address"),
                ("kind", "text"),
                ("identifier", "count"),
                ("sequence", "count"),
                ("payload", "bytes"),
            ),
            [
                (
                    row["time"],
                    row["frame"],
                    row["src"],
                    row["dst"],
                    "request" if row["request"] else "reply",
                    row["ident"],
                    row["sequence"],
                    row["payload"],
                )
                for row in rows.sort("payload", descending=True, maintain_order=True)
                .head(c.FIRST_ROWS)
                .iter_rows(named=True)
            ],
            total=rows.height,
        ),
        line_up=(
            "frame.time_relative",
            "ip.src",
            "ip.dst",
            "icmp.type",
            "icmp.ident",
            "icmp.seq",
            "data.len",
            "ip.ttl",
        ),
        time=first,
        weight=min(total / 100_000, 5.0),
    )


def pair_filter(a: str, b: str) -> str:
    """Display filter for the echo exchange of two hosts."""
    field, kinds, errors = (
        ("icmpv6.type", (128, 129), (1, 2, 3, 4)) if ":" in a else ("icmp.type", (8, 0), (3, 4, 5, 11, 12))
    )
    # An ICMP error quotes the packet it is about, so that the quoted type counts too: leave errors out.
    return filters.all_of(
        filters.between(a, b), filters.one_of(field, kinds), filters.negated(filters.one_of(field, errors))
    )


def _unlike(rows: pl.DataFrame) -> int:
    """Replies whose payload length differs from that of the request they answer.

    A request with the same identifier and sequence number counts if there is one; where these stand still, the latest
    request before the reply does.
    """
    tagged = rows.with_row_index("place").sort("place")
    asked = (
        tagged.with_columns(pl.when("request").then("payload").alias("asked"))
        .with_columns(pl.col("asked").forward_fill().over("ident", "sequence"))
        .filter(~pl.col("request") & pl.col("asked").is_not_null())
    )
    return int((asked["asked"] != asked["payload"]).sum())


def _jumping(sizes: pl.Series) -> bool:
    """True where sizes go up and down: less than three quarters of the changes go one way."""
    steps = sizes.diff().drop_nulls()
    changes = steps.filter(steps != 0)
    if changes.is_empty():
        return False
    up = int((changes > 0).sum())
    return max(up, len(changes) - up) < 0.75 * len(changes)
