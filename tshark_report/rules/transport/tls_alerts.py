"""Did TLS handshakes fail?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, listed, number, when
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

ALERTS = Threshold(2, "alerts", "one may be a user who turned back at a warning")
ALWAYS = Threshold(
    5, "connections", "ended so, and none that worked: nobody can use the service, and it is not a first try"
)
APPLICATION_DATA = 23
"""Content type of TLS records (RFC 8446, section 5.1)."""
CLOSING = (0, 90, 255)
"""close_notify and user_canceled say goodbye; 255 is no alert."""

MEANINGS = {
    10: "unexpected message",
    20: "bad record MAC",
    21: "decryption failed",
    22: "record overflow",
    30: "decompression failure",
    40: "handshake failure (no common cipher or version)",
    41: "no certificate",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown CA",
    49: "access denied",
    50: "decode error",
    51: "decrypt error",
    70: "protocol version not supported",
    71: "insufficient security",
    80: "internal error",
    86: "inappropriate fallback",
    109: "missing extension",
    110: "unsupported extension",
    112: "unrecognised server name",
    113: "bad certificate status",
    115: "unknown PSK identity",
    116: "certificate required",
    120: "no application protocol",
}
"""RFC 8446, section 6, and RFC 5246, section 7.2."""


@rule(
    code="APP006",
    name="tls-alerts",
    family="transport",
    title="TLS handshakes failed: an alert was sent in clear",
    question="Did TLS handshakes fail?",
    answers=("Q7",),
    why=(
        "The alert names the reason: a certificate that the other side does not trust, no common version or "
        "cipher, a client "
        "certificate that is missing. The network delivered everything; client and server do not agree."
    ),
    innocent=(
        Innocent(
            explanation="Programs with pinned certificates refuse a company proxy that opens TLS.",
            tell_apart=(
                "Unknown CA or bad certificate from many clients for few names, and the certificate is the proxy's."
            ),
        ),
        Innocent(
            explanation="A client tries the newest version first and falls back.",
            tell_apart="The next connection to the same server succeeds.",
        ),
    ),
    confirm=(
        "openssl s_client -connect SERVER:PORT -servername NAME shows certificate and versions.",
        "Who sent the alert: client (does not trust) or server (does not accept)?",
    ),
    references=(
        Reference(title="RFC 8446: TLS 1.3, alert protocol", url="https://www.rfc-editor.org/rfc/rfc8446#section-6"),
    ),
    needs=("tls",),
    thresholds={"alerts": ALERTS, "always": ALWAYS},
    weight=13,
)
def tls_alerts(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each sender of alerts and each server that they are about."""
    alerts = tables.tls.filter(pl.col("alert").is_not_null() & ~pl.col("alert").is_in(CLOSING))
    if alerts.is_empty():
        return
    ends = tables.tcp_sessions.select("stream", "client", "server", "server_port")
    alerts = alerts.filter(pl.col("transport") == "tcp").join(ends, on="stream", maintain_order="left")
    groups = alerts.group_by("src", "server").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("alerts"))
    for sender, server, number_of in (
        groups.sort(["n", "src", "server"], descending=[True, False, False]).head(FINDINGS).iter_rows()
    ):
        rows = alerts.filter((pl.col("src") == sender) & (pl.col("server") == server))
        others = [str(c) for c in rows["dst"].unique(maintain_order=True).to_list()]
        kinds = (
            rows.group_by("alert", maintain_order=True)
            .agg(pl.len().alias("n"))
            .sort("n", descending=True, maintain_order=True)
        )
        told = listed([f"{n:,} x {MEANINGS.get(a, f'alert {a}')} ({a})" for a, n in kinds.iter_rows()], 4)
        side = "server" if sender == server else "client"
        priority: Priority = "medium" if _always(tables, rows, context.limit("always")) else "low"
        towards = filters.any_of(*(filters.dst(other) for other in others[:20]))
        kept = rows.filter(pl.col("dst").is_in(others[:20]))
        codes = [int(a) for a in kinds["alert"].to_list()]
        yield Draft(
            subject=f"{sender} about {server}",
            hosts=(server, *others[:4]) if side == "server" else (server, sender),
            summary=(
                f"The {side} {context.named(sender)} ended {count(number_of, 'TLS handshake')} with "
                f"{context.named(server) if side == 'client' else hosts_text(others)} by "
                f"an alert: {told}, from {clock(number(rows['time'].min()))} UTC."
                + (" No connection between them got beyond the handshake." if priority == "medium" else "")
            ),
            sentence=f"{context.named(sender)} ended TLS handshakes with {hosts_text(others, 2)} by an alert ({told})",
            priority=priority,
            confidence="high",
            display_filter=filters.all_of(
                filters.src(sender), towards, filters.one_of("tls.alert_message.desc", codes)
            ),
            frames=frame_numbers(kept),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("from", "address"),
                    ("to", "address"),
                    ("port", "port"),
                    ("alert", "count"),
                    ("meaning", "text"),
                ),
                [
                    (
                        r["frame"],
                        when(r["time"]),
                        sender,
                        r["dst"],
                        r["server_port"],
                        r["alert"],
                        MEANINGS.get(r["alert"], ""),
                    )
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )


def _always(tables: Tables, alerts: pl.DataFrame, least: float) -> bool:
    """True where no connection of these clients to that server got beyond the handshake, and there were several."""
    server, clients = alerts["server"][0], alerts["client"].unique()
    streams = tables.tcp_sessions.filter((pl.col("server") == server) & pl.col("client").is_in(clients.implode()))[
        "stream"
    ]
    spoken = tables.tls.filter((pl.col("transport") == "tcp") & pl.col("stream").is_in(streams.implode()))
    worked = spoken.filter(pl.col("record").list.contains(APPLICATION_DATA))["stream"].n_unique()
    return alerts["stream"].n_unique() >= least and worked == 0
