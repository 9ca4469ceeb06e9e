"""EXP004: TLS heartbeats that ask for more than they bring, or answers larger than the request."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, minutes, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, size
from tshark_report.tables.tables import Tables

HEARTBEAT = 24
"""TLS content type (RFC 6520, section 3)."""
HEADER, PADDING = 3, 16
"""Type and length of a heartbeat message, and the padding that it must have at least (RFC 6520, section 4)."""


@rule(
    code="EXP004",
    name="heartbeat-overreads",
    family="access",
    title="A TLS heartbeat asked for more than it brought",
    question="Was a server's memory read by TLS heartbeats (Heartbleed)?",
    answers=(),
    why="A heartbeat is answered with its own payload. A request that claims more payload than fits into its "
    "record, and a "
    "larger answer, is CVE-2014-0160: the rest comes out of the server's memory, keys and passwords included.",
    innocent=(
        Innocent(
            explanation="A vulnerability scanner checks the server.",
            tell_apart="It comes from the scanner's address; a patched server does not answer.",
        ),
        Innocent(
            explanation="DTLS or a library that uses heartbeats to measure the path.",
            tell_apart="Request and answer have the same size.",
        ),
    ),
    confirm=(
        "Is the server's OpenSSL 1.0.1 to 1.0.1f?",
        "If it answered: renew its key and certificate, and treat passwords and sessions of that time as known.",
    ),
    references=(
        Reference(title="CVE-2014-0160 (Heartbleed)", url="https://nvd.nist.gov/vuln/detail/CVE-2014-0160"),
        Reference(title="RFC 6520: TLS heartbeat", url="https://www.rfc-editor.org/rfc/rfc6520"),
        Reference(
            title="ATT&CK T1212 Exploitation for Credential Access", url="https://attack.mitre.org/techniques/T1212/"
        ),
    ),
    needs=("tls",),
    thresholds={
        "surplus": Threshold(
            256,
            "bytes",
            "encryption pads a heartbeat by some tens of bytes; an answer longer by this much holds something else",
        ),
    },
    weight=95.0,
)
def heartbeat_overreads(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each pair of hosts."""
    beats = tables.tls.filter(pl.col("record").list.contains(HEARTBEAT))
    if beats.is_empty():
        return
    ends = {
        row[0]: (row[1], row[2], row[3])
        for row in tables.tcp_sessions.filter(pl.col("stream").is_in(beats["stream"].drop_nulls().unique().to_list()))
        .select("stream", "client", "server", "server_port")
        .iter_rows()
    }
    groups: dict[tuple[str, str, int], list[dict[str, object]]] = {}
    for row in beats.sort("frame").iter_rows(named=True):
        client, server, port = ends.get(row["stream"], (row["src"], row["dst"], row["dst_port"]))
        lengths = row["record_length"] or []
        size_ = sum(n or 0 for kind, n in zip(row["record"], lengths, strict=False) if kind == HEARTBEAT)
        groups.setdefault((str(client), str(server), int(port or 0)), []).append(
            {
                "frame": int(row["frame"]),
                "time": float(row["time"]),
                "src": str(row["src"]),
                "bytes": size_,
                "claimed": row["heartbeat_payload"],
                "type": row["heartbeat"],
                "stream": row["stream"],
            }
        )
    drafts = []
    for (client, server, port), rows in groups.items():
        draft = _draft(tables, context, client, server, port, rows)
        if draft is not None:
            drafts.append(draft)
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def _draft(
    tables: Tables, context: Context, client: str, server: str, port: int, rows: list[dict[str, object]]
) -> Draft | None:
    def number(row: dict[str, object], key: str) -> int:
        return int(str(row[key])) if row[key] is not None else 0

    over = [r for r in rows if r["type"] == 1 and number(r, "claimed") + HEADER + PADDING > number(r, "bytes")]
    asked = [r for r in rows if r["src"] == client]
    answered = [r for r in rows if r["src"] == server]
    largest_request = max((number(r, "bytes") for r in asked), default=0)
    largest_answer = max((number(r, "bytes") for r in answered), default=0)
    surplus = largest_answer - largest_request
    if not over and not (asked and answered and surplus >= context.limit("surplus")):
        return None
    worked = bool(answered) and (surplus > 0 or bool(over))
    priority: Priority = "high" if worked else "medium"
    confidence: Confidence = "high" if over and answered else "medium"
    first, last = float(str(rows[0]["time"])), float(str(rows[-1]["time"]))
    claim = max((number(r, "claimed") for r in over), default=0)
    told = (
        f"{count(len(over), 'TLS heartbeat request')} whose payload length ({claim:,} bytes) does not fit into the "
        "record "
        f"({max(number(r, 'bytes') for r in over):,} bytes with header and padding)"
        if over
        else f"{count(len(asked), 'TLS heartbeat request')} of at most {largest_request:,} bytes"
    )
    total = sum(number(r, "bytes") for r in answered)
    end = (
        f"The server answered with {count(len(answered), 'heartbeat')}, {size(float(total))} in all, the largest "
        f"{largest_answer:,} bytes"
        f"{f' ({surplus:,} more than the largest request)' if surplus > 0 else ''}: its memory may have been read "
        "(Heartbleed, CVE-2014-0160)."
        if answered
        else "No heartbeat came back."
    )
    target = f"{called(context, server)} port {port}"
    summary = f"{client} sent {told} to {target}, {minutes(first, last)}. {end}"
    streams = sorted({int(str(r["stream"])) for r in rows if r["stream"] is not None})
    either = ((pl.col("src") == client) & (pl.col("dst") == server)) | (
        (pl.col("src") == server) & (pl.col("dst") == client)
    )
    frames = tables.tls.filter(either & pl.col("record").list.contains(HEARTBEAT) & pl.col("stream").is_in(streams))[
        "frame"
    ].to_list()
    return Draft(
        subject=f"{client} to {server}:{port}",
        hosts=(server, client),
        summary=summary,
        sentence=f"{client} sent {target} TLS heartbeat requests that ask for more than they bring (Heartbleed)"
        + (", and the server answered" if answered else ""),
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(
            filters.between(client, server), filters.equals("tls.record.content_type", HEARTBEAT)
        ),
        frames=ordered(frames),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("from", "address"),
                ("record bytes", "bytes"),
                ("payload length claimed", "bytes"),
            ),
            [
                [
                    float(str(r["time"])),
                    int(str(r["frame"])),
                    str(r["src"]),
                    number(r, "bytes"),
                    r["claimed"] if isinstance(r["claimed"], int) else None,
                ]
                for r in rows
            ],
        ),
        time=first,
        line_up=(
            "frame.number",
            "ip.src",
            "ip.dst",
            "tls.record.content_type",
            "tls.record.length",
            "tls.heartbeat_message.payload_length",
        ),
    )
