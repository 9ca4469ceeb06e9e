"""DNS017: something else than DNS on port 53."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

PORT = 53
HEADER = 12


@rule(
    code="DNS017",
    name="foreign-port-53",
    family="names",
    title="Port 53 carried something that is no DNS",
    question="Is the DNS port used for something else?",
    answers=("Q6", "Q4", "Q5"),
    why="Port 53 is open outwards in many networks, so shells, tunnels and VPNs use it as a way out. What they send "
    "cannot "
    "be read as DNS: no question, impossible counts, text.",
    innocent=(
        Innocent(
            explanation="A VPN was set to port 53 on purpose, to get through hotel networks.",
            tell_apart="One long session with a known VPN server.",
        ),
        Innocent(
            explanation="Damaged or cut packets of real DNS.",
            tell_apart="Single packets among many good ones; this counts streams without any good one.",
        ),
    ),
    confirm=(
        "Follow the stream: is it text, a shell, an encrypted block?",
        "Does the other end answer real DNS questions?",
    ),
    references=(
        Reference(title="ATT&CK T1571: Non-Standard Port", url="https://attack.mitre.org/techniques/T1571/"),
        Reference(
            title="ATT&CK T1095: Non-Application Layer Protocol", url="https://attack.mitre.org/techniques/T1095/"
        ),
    ),
    needs=("openings",),
    thresholds={
        "packets": Threshold(3, "packets", "with payload in the stream; one or two may be damage"),
        "bytes": Threshold(100, "bytes", "of payload in the stream, so that probes of scanners do not count"),
    },
    weight=70,
)
def foreign_port_53(tables: Tables, context: Context) -> Iterator[Draft]:
    """Streams to port 53 whose first payloads in both directions cannot be read as DNS."""
    either = (pl.col("src_port") == PORT) | (pl.col("dst_port") == PORT)
    rows = tables.openings.filter(either & pl.col("transport").is_in(["tcp", "udp"]) & pl.col("stream").is_not_null())
    if rows.is_empty():
        return
    good = [
        looks_like_dns(data, transport == "tcp", order == 0)
        for data, transport, order in rows.select("data", "transport", "order").iter_rows()
    ]
    rows = rows.with_columns(pl.Series("good", good, dtype=pl.Boolean))
    streams = rows.group_by("transport", "stream", maintain_order=True).agg(pl.col("good").any())
    odd = streams.filter(~pl.col("good")).join(_read_well(tables), on=["transport", "stream"], how="anti")
    groups: dict[tuple[str, str, str], list[dict[str, object]]] = {}
    for transport, stream in odd.select("transport", "stream").iter_rows():
        flows = tables.tcp_sessions if transport == "tcp" else tables.udp_flows
        for flow in flows.filter(pl.col("stream") == stream).iter_rows(named=True):
            carried = int(flow["client_payload"]) + int(flow["server_payload"])
            if flow["packets"] >= context.limit("packets") and carried >= context.limit("bytes"):
                groups.setdefault((flow["client"], flow["server"], transport), []).append(flow)
    for (client, server, transport), flows_of in list(groups.items())[: c.MOST_FINDINGS]:
        yield _draft(tables, rows, client, server, transport, flows_of)


def _read_well(tables: Tables) -> pl.DataFrame:
    """Streams in which tshark read a DNS message without complaint."""
    damaged = tables.expert.filter(pl.col("message").str.contains("(?i)malformed"))["frame"].implode()
    whole = tables.dns.filter(
        (pl.col("protocol") == "DNS") & pl.col("name").is_not_null() & ~pl.col("frame").is_in(damaged)
    )
    return whole.select("transport", "stream").drop_nulls().unique()


def _draft(
    tables: Tables, rows: pl.DataFrame, client: str, server: str, transport: str, flows: list[dict[str, object]]
) -> Draft:
    streams = sorted(int(str(flow["stream"])) for flow in flows)[:20]
    packets = tables.packets.filter((pl.col("transport") == transport) & pl.col("stream").is_in(streams))
    first = rows.filter((pl.col("transport") == transport) & pl.col("stream").is_in(streams))
    up = sum(int(str(flow["client_payload"])) for flow in flows)
    down = sum(int(str(flow["server_payload"])) for flow in flows)
    start = bytes(first["data"][0])
    text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in start[:60])
    return Draft(
        subject=f"{client} {server} port {PORT}",
        hosts=(client, server),
        summary=(
            f"{client} exchanged {c.count(packets.height, 'packet')} with {server} on {transport.upper()} port {PORT} "
            f"{c.minutes(c.first_time(packets), c.last_time(packets))} that are no DNS: {c.size_text(up)} sent, "
            f"{c.size_text(down)} received, beginning with \u201c{text}\u201d."
        ),
        sentence=f"{client} began to exchange data with {server} on {transport.upper()} port {PORT} that is no DNS",
        priority="medium",
        confidence="medium",
        display_filter=filters.one_of(f"{transport}.stream", streams),
        frames=c.frames_of(packets),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("from", "address"), ("bytes", "bytes"), ("begins with", "text")),
            [
                (
                    r["time"],
                    r["frame"],
                    r["src"],
                    r["payload"],
                    "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in bytes(r["data"])[:60]),
                )
                for r in first.head(c.FIRST_ROWS).iter_rows(named=True)
            ],
        ),
        time=c.first_time(packets),
    )


def looks_like_dns(data: bytes, tcp: bool, first: bool) -> bool:
    """Could these bytes be a DNS message (after its length in TCP), or the later part of one in TCP?"""
    if tcp:
        if not first and len(data) < HEADER + 2:
            return False
        data = data[2:]
    if len(data) < HEADER:
        return False
    flags = int.from_bytes(data[2:4], "big")
    questions, answers, authority, additional = (int.from_bytes(data[at : at + 2], "big") for at in (4, 6, 8, 10))
    opcode = flags >> 11 & 15
    if opcode not in (0, 1, 2, 4, 5, 6) or questions > 4 or answers > 400 or authority > 400 or additional > 400:
        return False
    if questions == 0:
        return flags & 0x8000 != 0 or opcode == 6 or answers + authority + additional > 0
    # The first name is labels of at most 63 bytes; it may be cut where only the first bytes were kept.
    at = HEADER
    while at < len(data) and data[at]:
        if data[at] > 63:
            return False
        at += data[at] + 1
    return at - HEADER <= 255
