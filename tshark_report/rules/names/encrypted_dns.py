"""DNS012: names asked for over TLS, HTTPS or QUIC."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge import load
from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

PORT = 853
"""DNS over TLS (RFC 7858) and over QUIC (RFC 9250)."""


@rule(
    code="DNS012",
    name="encrypted-dns",
    family="names",
    title="A client asked for names over an encrypted connection",
    question="Is part of the name resolution invisible in this capture?",
    answers=("Q5", "Q6"),
    why="With DNS over TLS, HTTPS or QUIC the questions cannot be seen here: a missing look-up in this report means "
    "nothing for such a client.",
    innocent=(
        Innocent(
            explanation="Browsers and phones use encrypted resolvers by default or by the user's choice.",
            tell_apart="The resolver is one of the well-known ones, and the browser's settings say so.",
        ),
    ),
    confirm=(
        "Is it the policy of this network that clients use its own resolver?",
        "Which program opened the connection?",
    ),
    references=(
        Reference(title="RFC 7858: DNS over TLS", url="https://www.rfc-editor.org/rfc/rfc7858"),
        Reference(title="RFC 8484: DNS over HTTPS", url="https://www.rfc-editor.org/rfc/rfc8484"),
        Reference(title="RFC 9250: DNS over QUIC", url="https://www.rfc-editor.org/rfc/rfc9250"),
    ),
    needs=("tls",),
    thresholds={"hellos": Threshold(1, "handshakes", "context from the first connection on")},
    weight=10,
)
def encrypted_dns(tables: Tables, context: Context) -> Iterator[Draft]:
    """Client hellos to port 853 or with the name of a known resolver, grouped by client."""
    known = load("dns")["encrypted_dns"]
    hellos = tables.tls.filter(pl.col("handshake").list.contains(1) & pl.col("src").is_not_null())
    name = pl.col("server_name").str.to_lowercase()
    rows = hellos.filter((pl.col("dst_port") == PORT) | name.is_in(known["names"]))
    for (client,), found in list(rows.group_by("src", maintain_order=True))[: c.MOST_FINDINGS]:
        if found.height < context.limit("hellos"):
            continue
        names = found["server_name"].drop_nulls().unique(maintain_order=True).to_list()
        servers = found["dst"].unique(maintain_order=True).to_list()
        ports = sorted(found["dst_port"].drop_nulls().unique().to_list())
        shown = [f"lower(tls.handshake.extensions_server_name) == {filters.quoted(n.lower())}" for n in names]
        yield Draft(
            subject=str(client),
            hosts=(str(client), *servers[:3]),
            summary=(
                f"{client} opened {c.count(found.height, 'encrypted connection')} to a resolver (DNS over TLS, HTTPS "
                f"or QUIC) "
                f"{c.minutes(c.first_time(found), c.last_time(found))}: "
                f"{c.listed([c.cut(n, 80) for n in names] or servers)}, port "
                f"{c.listed([str(p) for p in ports])}. Its look-ups there cannot be seen in this capture."
            ),
            sentence=f"{client} began to ask for names over an encrypted connection to "
            f"{c.cut((names or servers)[0], 80)}",
            priority="info",
            confidence="high",
            display_filter=filters.all_of(
                filters.equals("tls.handshake.type", 1),
                filters.src(str(client)),
                filters.any_of(
                    filters.dst_port("tcp", PORT),
                    filters.dst_port("udp", PORT),
                    *(dict.fromkeys(s for s, n in zip(shown, names, strict=True) if n.lower() in known["names"])),
                ),
            ),
            frames=c.frames_of(found),
            evidence=evidence(
                (
                    ("time", "time"),
                    ("frame", "frame"),
                    ("server", "address"),
                    ("port", "port"),
                    ("server name", "text"),
                ),
                [
                    (r["time"], r["frame"], r["dst"], r["dst_port"], c.cut(r["server_name"] or "", 200))
                    for r in found.head(c.FIRST_ROWS).iter_rows(named=True)
                ],
                total=found.height,
            ),
            time=c.first_time(found),
        )
