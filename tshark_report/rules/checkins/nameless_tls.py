"""Did a client speak TLS with bare addresses, without a server name?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5


@rule(
    code="TLS003",
    name="nameless-tls",
    family="checkins",
    title="TLS was spoken with bare addresses, without a server name",
    question="Did a client speak TLS with bare addresses, without a server name?",
    answers=("Q4", "Q6"),
    why=(
        "Browsers and nearly all programs look a name up and put it into the TLS hello (SNI). A program that carries "
        "its server's "
        "address inside itself has no name to send."
    ),
    innocent=(
        Innocent(
            explanation="VPN, Tor, peer-to-peer and some device clients connect to addresses from a list.",
            tell_apart="Many servers, the same program on the client, and a list that its maker publishes.",
        ),
        Innocent(
            explanation="The name was looked up before the capture began, and an old client sends no SNI.",
            tell_apart="The address belongs to a service that other clients reach by name.",
        ),
    ),
    confirm=("Which process on the client owns the session?", "Whose address is it (registry, passive DNS)?"),
    references=(
        common.ENCRYPTED_CHANNEL,
        Reference(
            title="RFC 6066 TLS Extensions, section 3 Server Name Indication",
            url="https://www.rfc-editor.org/rfc/rfc6066#section-3",
        ),
    ),
    needs=("tls",),
    thresholds={"hellos": Threshold(1, "hellos", "One session is enough to name the server; the priority stays low.")},
    weight=30,
)
def nameless_tls(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups client hellos without a name, to outside addresses that no DNS answer named, by client."""
    names = tables.names
    hello = tables.tls.filter(
        pl.col("handshake").list.contains(1)
        & pl.col("server_name").is_null()
        & (pl.col("transport") == "tcp")
        & pl.col("src").is_not_null()
        & pl.col("dst_port").is_in(list(known.ports("tls") - known.ports("polled")))
    )
    servers = hello["dst"].unique().to_list()
    bare = [a for a in servers if a not in names and context.is_outside(a)]
    hello = hello.filter(pl.col("dst").is_in(bare))
    drafts = []
    for (client,), rows in hello.group_by("src", maintain_order=True):
        if rows.height >= context.limit("hellos"):
            drafts.append(_draft(tables, str(client), rows))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, client: str, rows: pl.DataFrame) -> Draft:
    servers = rows.group_by("dst", "dst_port", maintain_order=True).agg(
        pl.len().alias("hellos"), pl.col("time").first(), pl.col("ja3").drop_nulls().first(), pl.col("frame").first()
    )
    shown = [f"{row['dst']} port {row['dst_port']}" for row in servers.head(5).iter_rows(named=True)]
    more = f" and {servers.height - 5} more" if servers.height > 5 else ""
    first = float(rows["time"].to_list()[0])
    return Draft(
        subject=client,
        hosts=(client, *servers["dst"].to_list()[:5]),
        summary=(
            f"{client} sent {rows.height} TLS hello{'s' * (rows.height > 1)} without a server name (SNI) to "
            f"{', '.join(shown)}{more}, "
            f"addresses that no DNS answer in this capture named, from {words.clock(first)} UTC."
        ),
        sentence=(
            f"{client} spoke TLS without a server name to the bare address {servers['dst'][0]} port "
            f"{servers['dst_port'][0]}"
        ),
        priority="low",
        confidence="medium" if tables.dns.height else "low",
        display_filter=filters.all_of(
            "tls.handshake.type == 1",
            filters.negated("tls.handshake.extensions_server_name"),
            filters.src(client),
            filters.any_of(
                *(
                    filters.all_of(filters.dst(r["dst"]), filters.dst_port("tcp", r["dst_port"]))
                    for r in servers.iter_rows(named=True)
                )
            )
            if servers.height <= 20
            else filters.frames(rows["frame"].to_list()),
            common.not_quoted(tables),
        ),
        frames=rows["frame"].to_list(),
        evidence=evidence(
            [
                ("time", "time"),
                ("server", "address"),
                ("port", "port"),
                ("hellos", "count"),
                ("JA3", "hex"),
                ("frame", "frame"),
            ],
            [
                (r["time"], r["dst"], r["dst_port"], r["hellos"], r["ja3"], r["frame"])
                for r in servers.iter_rows(named=True)
            ],
        ),
        lowered_because=""
        if tables.dns.height
        else "There is no DNS in this capture, so names may have been looked up before it.",
        time=first,
    )
