"""Did a client post something to a bare address?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.rules.checkins.regular_requests import regular_paths
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 8
SMALL_ANSWER = 1_000
"""Bytes below which an error page is just that: some servers hide an answer behind a status of 404."""


@rule(
    code="OUT001",
    name="bare-address-posts",
    family="checkins",
    title="HTTP POST to a bare address outside",
    question="Did a client post something to a server outside that it reached by its bare address?",
    answers=("Q1", "Q4", "Q6"),
    why=(
        "People and ordinary programs use names. A program that carries a list of addresses posts to them directly, "
        "often on a port "
        "where HTTP is unusual, and gets a block of data back."
    ),
    innocent=(
        Innocent(
            explanation="Some messengers, games and cheap devices have their servers' addresses built in.",
            tell_apart="The address belongs to the maker, and many clients of the same kind do the same.",
        ),
        Innocent(
            explanation="A person uses a web form on a test server or device by its address.",
            tell_apart=(
                "A page was fetched from that address before, with a browser, and the POST carries it as its Referer."
            ),
        ),
    ),
    confirm=(
        "Read the body of the request and the answer: encrypted block, encoded text, a file?",
        "Which process on the client sent it? Does the User-Agent fit the client's software?",
        "Did the same client fetch something from a bare address before?",
    ),
    references=(common.C2_WEB, common.NON_STANDARD_PORT),
    needs=("http",),
    thresholds={
        "body": Threshold(1, "bytes", "A POST without a body carries nothing out."),
        "large": Threshold(100_000, "bytes", "A body of this size is a file or a collection, not a form."),
    },
    weight=68,
)
def bare_address_posts(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups POST and PUT requests whose Host is an address outside, by client and server port."""
    posted = tables.http.filter(
        pl.col("method").is_in(["POST", "PUT"]) & pl.col("src").is_not_null() & (pl.col("protocol") != "SSDP")
    )
    hosts = [h for h in posted["host"].unique().to_list() if common.is_bare(h)]
    posted = posted.filter(pl.col("host").is_in(hosts) | pl.col("host").is_null())
    posted = posted.filter(pl.col("content_length").is_null() | (pl.col("content_length") >= context.limit("body")))
    told = {(r.client, r.server, r.port) for r in regular_paths(tables)} if posted.height else set()
    drafts = []
    for (client, address, port), rows in posted.group_by("src", "dst", "dst_port", maintain_order=True):
        named = tables.names.get(str(address)) and rows["host"].null_count() == rows.height
        if named or not context.is_outside(str(address)) or (str(client), str(address), int(str(port))) in told:
            continue
        drafts.append(_draft(tables, context, str(client), str(address), int(str(port)), rows))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, context: Context, client: str, address: str, port: int, rows: pl.DataFrame) -> Draft:
    uris = rows["uri"].unique(maintain_order=True).to_list()
    agents = [a for a in rows["user_agent"].unique(maintain_order=True).to_list() if a]
    bodies = int(rows["content_length"].sum() or 0)
    answers = tables.http.filter(
        pl.col("stream").is_in(rows["stream"].unique().to_list())
        & pl.col("status").is_not_null()
        & (pl.col("src") == address)
    )
    back = tables.tcp_sessions.join(rows.select("stream").unique(), on="stream", how="semi")["server_payload"].sum()
    odd_port = not known.usual_port("HTTP", port)
    priority, confidence, lowered = _priority(tables, client, address, rows, refused=_refused(answers, float(back)))
    large = bodies >= context.limit("large")
    first = float(rows["time"].to_list()[0])
    status = ", ".join(str(s) for s in answers["status"].unique(maintain_order=True).to_list()[:3])
    types = [t for t in answers["content_type"].unique(maintain_order=True).to_list() if t]
    methods = " and ".join(rows["method"].unique().sort().to_list())
    summary = (
        f"{client} sent {rows.height} HTTP {methods} request{'s' * (rows.height > 1)} to the bare address {address} "
        f"port {port}"
        f"{', a port where HTTP is unusual' if odd_port else ''}, from {words.clock(first)} UTC: "
        f"{', '.join(words.cut(u or '', 80) for u in uris[:3])}; "
        f"{words.size(bodies)} of bodies{' (an upload)' if large else ''}, "
        f"{'User-Agent ' + words.cut(agents[0], 80) if agents else 'without a User-Agent'}. "
        f"The server answered {status or 'nothing'}{' with ' + types[0] if types else ''}; {words.size(float(back))} "
        "came back."
    )
    return Draft(
        subject=f"{client} -> {address}:{port}",
        hosts=(client, address),
        title="A large HTTP upload went to a bare address outside" if large else "",
        summary=summary,
        sentence=(
            f"{client} {'posted' if methods == 'POST' else 'sent'} {words.size(bodies)} to the bare address {address} "
            f"port {port} ({words.cut(str(uris[0]), 60)}) "
            f"and received {words.size(float(back))}"
        ),
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(
            filters.src(client),
            filters.dst(address),
            filters.dst_port("tcp", port),
            filters.frames(rows["frame"].to_list())
            if rows.height <= 60
            else filters.one_of("http.request.method", ["POST", "PUT"]),
        ),
        frames=rows["frame"].to_list(),
        evidence=evidence(
            [("time", "time"), ("request", "text"), ("body", "bytes"), ("User-Agent", "text"), ("frame", "frame")],
            [
                (
                    r["time"],
                    f"{r['method']} {words.cut(r['uri'] or '', 80)}",
                    r["content_length"],
                    words.cut(r["user_agent"] or "", 80),
                    r["frame"],
                )
                for r in rows.iter_rows(named=True)
            ],
        ),
        lowered_because=lowered,
        indicators=(common.indicator(address), ("url", f"http://{rows['host'][0] or address}{uris[0]}"))
        if priority != "low"
        else (),
        line_up=("http.request.method", "http.request.uri", "http.content_length_header"),
        time=first,
        weight=(4 if odd_port else 0) + (6 if large else 0),
    )


def _refused(answers: pl.DataFrame, back: float) -> bool:
    statuses = answers["status"].to_list()
    return bool(statuses) and all(status >= 400 for status in statuses) and back < SMALL_ANSWER


def _priority(
    tables: Tables, client: str, address: str, rows: pl.DataFrame, *, refused: bool
) -> tuple[Priority, Confidence, str]:
    pages = tables.http.filter(
        (pl.col("src") == client)
        & (pl.col("dst") == address)
        & (pl.col("method") == "GET")
        & (pl.col("time") < rows["time"].to_list()[0])
    )
    if pages.height and 2 * rows["referer"].drop_nulls().len() > rows.height:
        return "low", "medium", "A page of that server was fetched before, and the POST names it as its Referer."
    if refused:
        return "low", "medium", "The server refused the request and sent hardly anything back."
    return "medium", "high" if tables.dns.height or rows["host"].null_count() == 0 else "medium", ""
