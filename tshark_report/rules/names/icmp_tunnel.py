"""TUN001: echo requests and replies that carry something else than a ping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
        "inner_packets": Threshold(3, "packets", "payloads that are whole IP packets"),
        "unlike_content": Threshold(
            5, "replies", "replies as long as the request whose bytes differ; a ping never does"
        ),
        "different_content": Threshold(
            6,
            "requests",
            "requests with different bytes after the first 16, which may hold a time; a ping has one pattern",
        ),
        "free_requests": Threshold(40, "requests", "requests needed before free sizes alone are told"),
    },
    weight=92,
)
def icmp_tunnel(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group echo packets by pair, compare payload lengths of replies with those of the requests before them."""
    echo = echoes(tables)
    if echo.is_empty():
        return
    kept = tables.openings.filter(pl.col("transport").is_in(["icmp", "icmpv6"])).select("frame", "data")
    echo = echo.join(kept, on="frame", how="left", maintain_order="left")
    # A network that is watched by pings has thousands of pairs: those that cannot be told are not looked into.
    pairs = echo.group_by("a", "b", maintain_order=True).agg(
        pl.len().alias("packets"),
        pl.col("payload").drop_nulls().n_unique().alias("sizes"),
        pl.col("data").drop_nulls().n_unique().alias("contents"),
        pl.col("data").bin.head(1).is_in(IPV4_FIRST_BYTES).any().alias("inner"),
    )
    vary = (pl.col("sizes") >= _least_sizes(context)) | (pl.col("contents") >= 2) | pl.col("inner")
    enough = pairs.filter((pl.col("packets") >= context.limit("packets")) & vary)
    made = []
    many = echo.join(enough.select("a", "b"), on=["a", "b"], how="semi", maintain_order="left")
    for rows in many.partition_by("a", "b", maintain_order=True):
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
    sizes = rows["payload"].drop_nulls().n_unique()
    content = content_of(rows)
    carries = len(content.inner) >= context.limit("inner_packets") or content.unlike >= context.limit("unlike_content")
    changing = content.different >= context.limit("different_content")
    if sizes < _least_sizes(context) and not (carries or changing):
        return
    requests, replies = rows.filter("request"), rows.filter(~pl.col("request"))
    unlike = _unlike(rows)
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
    if not (differs or unasked or free or carries or changing):
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
    priority: Priority = "high" if differs or unasked or carries else "medium"
    confidence: Confidence = "high" if (differs and total >= 2_000) or unasked or carries else "medium"
    parts = []
    if content.inner:
        parts.append(f"they carry IP packets: {c.listed(list(dict.fromkeys(content.inner)))}")
    if content.unlike:
        parts.append(f"{c.count(content.unlike, 'reply does', 'replies do')} not repeat the request's bytes")
    if changing:
        parts.append(f"{content.different} of {content.requests} requests looked into carry bytes of their own")
    if content.text:
        parts.append(f"payload begins \u201c{c.cut(content.text, 60)}\u201d")
    if unlike:
        parts.append(f"{unlike:,} of {replies.height:,} replies differ in length from the request before them")
    if surplus >= context.limit("surplus_replies"):
        parts.append(f"{surplus:,} more replies than requests")
    told = (
        f"payloads of {sizes} different sizes from {smallest:,} to {largest:,} bytes"
        if sizes > 1
        else f"payloads of {largest:,} bytes each"
    )
    summary = (
        f"{client} and {server} exchanged {requests.height:,} echo requests and {replies.height:,} replies "
        f"{c.minutes(first, last)}, as an ICMP tunnel would: {told} "
        f"({c.size_text(total)} in all), {ident}, {sequence}" + (f"; {'; '.join(parts)}." if parts else ".")
    )
    yield Draft(
        subject=f"{client} {server}",
        hosts=(client, server),
        summary=summary,
        sentence=f"{client} began to exchange echo packets with {server}, {told}, as an ICMP tunnel does",
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


@dataclass(frozen=True)
class Content:
    """What the first payloads of a pair say, as far as they were kept."""

    inner: tuple[str, ...]
    """`10.0.0.1 to 10.0.0.2 (TCP port 22)` for each payload that is a whole IPv4 packet."""
    unlike: int
    """Replies as long as their request, with other bytes."""
    different: int
    """Different contents of requests after the bytes that may hold a time."""
    requests: int
    text: str


IPV4_FIRST_BYTES = [bytes([0x40 + words]) for words in range(5, 16)]
"""Version 4 and a header of 5 to 15 words (RFC 791): how a whole IPv4 packet begins."""

TIME_BYTES = 16
"""What a ping may put in front of its pattern: seconds and microseconds (iputils; BSD and Windows use less)."""


def content_of(rows: pl.DataFrame) -> Content:
    """Look into the payloads of one pair's echo packets, in order."""
    inner: list[str] = []
    tails: list[bytes] = []
    texts: list[str] = []
    unlike = 0
    latest: dict[tuple[int | None, int | None], bytes] = {}
    for request, ident, sequence, payload, data in rows.select(
        "request", "ident", "sequence", "payload", "data"
    ).iter_rows():
        if not data:
            continue
        packet = inner_packet(data, payload)
        if packet:
            inner.append(packet)
        if request:
            latest[(ident, sequence)] = data
            # A text is content as a whole; anything else may begin with a time.
            if printable(data):
                tails.append(data)
            elif len(data) > TIME_BYTES:
                tails.append(data[TIME_BYTES:])
        else:
            asked = latest.get((ident, sequence))
            unlike += asked is not None and len(asked) == len(data) and asked != data
        if len(data) >= 4 and printable(data):
            texts.append(data.decode("ascii"))
    different = len(set(tails))
    if different < 0.8 * len(tails):
        different = min(different, 1)
    return Content(tuple(inner), unlike, different, len(tails), texts[0] if different > 1 and texts else "")


def printable(data: bytes) -> bool:
    """True for ASCII text, with zeros at its end or without."""
    return bool(data.strip(b"\0")) and all(0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in data.rstrip(b"\0"))


def inner_packet(data: bytes, payload: int | None) -> str:
    """The ends of the IPv4 packet that a payload is; "" for anything else."""
    if len(data) < 20 or data[0] >> 4 != 4 or data[0] & 15 < 5 or int.from_bytes(data[2:4], "big") != payload:
        return ""
    source, target = (".".join(str(byte) for byte in data[at : at + 4]) for at in (12, 16))
    header = 4 * (data[0] & 15)
    ports = [int.from_bytes(data[header + at : header + at + 2], "big") for at in (0, 2)]
    name = {1: "ICMP", 6: "TCP", 17: "UDP"}.get(data[9], f"protocol {data[9]}")
    if data[9] in (6, 17) and len(data) >= header + 4:
        name += f" port {min(ports)}"
    return f"{min(source, target)} and {max(source, target)} ({name})"


def _least_sizes(context: Context) -> float:
    """Payload lengths below which no length says anything."""
    return min(context.limit("sizes"), context.limit("free_sizes"))


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
