"""Was HTTP spoken with an outside server on a port where HTTP is unusual?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.rules.checkins.bare_address_posts import bare_address_posts
from tshark_report.rules.checkins.clear_text_on_tls_ports import TLS_PORTS
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 8


@rule(
    code="OUT002",
    name="http-on-odd-ports",
    family="checkins",
    title="HTTP was spoken with an outside server on an unusual port",
    question="Was HTTP spoken with an outside server on a port where HTTP is unusual?",
    answers=("Q4", "Q6"),
    why=(
        "Web servers that people publish listen on well-known ports; others are panels, devices, test servers and "
        "makeshift servers."
    ),
    innocent=(
        Innocent(
            explanation="Radio streams, cameras, game and device services use ports of their own.",
            tell_apart="The Host is a name of the maker, and the content is what such a service delivers.",
        ),
    ),
    confirm=(
        "What was asked for and what came back (status, Content-Type, size)?",
        "How did the client come to this address?",
    ),
    references=(common.NON_STANDARD_PORT, common.C2_WEB),
    needs=("http",),
    thresholds={"requests": Threshold(1, "requests", "One is enough to name it; the priority stays low.")},
    weight=35,
)
def http_on_odd_ports(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups requests to outside servers by client, server and port."""
    asked = tables.http.filter(
        pl.col("method").is_not_null()
        & pl.col("src").is_not_null()
        & (pl.col("protocol") != "SSDP")
        & (pl.col("transport") == "tcp")
        & ~pl.col("dst_port").is_in([*known.ports("http"), *TLS_PORTS])
        & ~pl.col("protocol").str.starts_with("HTTP2")
    )
    told = {d.subject for d in common.told(bare_address_posts, context)} if asked.height else set()
    drafts = []
    for (client, address, port), rows in asked.group_by("src", "dst", "dst_port", maintain_order=True):
        if rows.height >= context.limit("requests") and context.is_outside(str(address)):
            draft = _draft(tables, str(client), str(address), int(str(port)), rows)
            if draft.subject not in told:
                drafts.append(draft)
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, client: str, address: str, port: int, rows: pl.DataFrame) -> Draft:
    server = common.server(tables, address, port)
    bare = all(common.is_bare(h) or not h for h in rows["host"].unique().to_list())
    uris = (
        rows.select(pl.concat_str("method", pl.lit(" "), "uri", ignore_nulls=True).alias("asked"))["asked"]
        .unique(maintain_order=True)
        .to_list()
    )
    agents = [a for a in rows["user_agent"].unique(maintain_order=True).to_list() if a]
    first = float(rows["time"].to_list()[0])
    priority: Priority = "low" if bare or server.dynamic else "info"
    return Draft(
        subject=f"{client} -> {address}:{port}",
        hosts=(client, address),
        summary=(
            f"{client} sent {rows.height} HTTP request{'s' * (rows.height > 1)} to {server.words()}, a port where "
            "HTTP is unusual, from "
            f"{words.clock(first)} UTC: {', '.join(words.cut(u, 80) for u in uris[:3])}"
            f"{'; User-Agent ' + words.cut(agents[0], 80) if agents else ''}.{server.about()}"
        ),
        sentence=f"{client} asked {server.words()} for {words.cut(uris[0], 60)}",
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(
            "http.request",
            filters.src(client),
            filters.dst(address),
            filters.dst_port("tcp", port),
            common.not_quoted(tables),
        ),
        frames=rows["frame"].to_list(),
        evidence=evidence(
            [("time", "time"), ("request", "text"), ("User-Agent", "text"), ("frame", "frame")],
            [
                (
                    r["time"],
                    f"{r['method']} {words.cut(r['uri'] or '', 80)}",
                    words.cut(r["user_agent"] or "", 80),
                    r["frame"],
                )
                for r in rows.iter_rows(named=True)
            ],
        ),
        lowered_because="" if priority == "low" else "The server was reached by a name.",
        time=first,
    )
