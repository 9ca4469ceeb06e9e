"""Did one client ask many servers outside for the same path?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge.domains import registered_domain
from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
SERVERS_SHOWN = 4
SHARED_PATHS = (
    r"(?i)^/($|favicon\.ico|robots\.txt|sitemap|ads\.txt|index\.|generate_204|gen_204|wpad\.dat|\.well-known/|crossdomain\.xml"
    r"|announce|scrape|feed/?$|rss|atom\.xml|health|status$|ping$|version$|metrics$|ocsp|crl|e2e|sync|pixel|collect$|b/ss/)"
)
"""Paths that many sites have by agreement or habit: RFC 8615, RFC 9309, feeds, trackers, connectivity checks, health
checks, advertising."""


@rule(
    code="OUT012",
    name="repeated-paths",
    family="checkins",
    title="One client asked many servers outside for the same path",
    question="Did one client ask many servers outside for the same path?",
    answers=("Q1", "Q4"),
    why=(
        "Sites of different owners seldom have the same path. A program that carries a list of servers - some of them "
        "only there to hide the one that matters - asks each of them in the same way."
    ),
    innocent=(
        Innocent(
            explanation="Sites built with the same software have the same paths, and a link checker asks them all.",
            tell_apart="The path belongs to a known product, and a person or a job that checks sites is behind it.",
        ),
        Innocent(
            explanation="A program asks several mirrors of one project for the same file.",
            tell_apart="The path names the file, and the servers are the project's mirrors.",
        ),
    ),
    confirm=(
        "Which process on the client sends the requests?",
        "Compare the requests: the same parameters, the same order of headers, bodies of the same form?",
        "Which of the servers answered with something else than an error page?",
    ),
    references=(
        common.C2_WEB,
        Reference(
            title="ATT&CK T1001.003 Protocol or Service Impersonation",
            url="https://attack.mitre.org/techniques/T1001/003/",
        ),
    ),
    needs=("http",),
    thresholds={
        "domains": Threshold(
            4, "registered domains", "Two or three may be one firm's names, or a page and its mirror."
        ),
        "posted": Threshold(4, "registered domains", "to which the path was posted: no page makes a browser do that."),
    },
    weight=66,
)
def repeated_paths(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups requests by client and path, and counts the registered domains that no page had led to."""
    asked = tables.http.filter(
        pl.col("method").is_in(["GET", "POST", "PUT"])
        & pl.col("src").is_not_null()
        & pl.col("host").is_not_null()
        & pl.col("uri").str.starts_with("/")
        & ~pl.col("protocol").is_in(["SSDP", "OCSP"])
        & ~pl.col("protocol").str.starts_with("HTTP2")
    )
    if asked.height < context.limit("domains"):
        return
    asked = asked.with_columns(pl.col("uri").str.split("?").list.first().alias("path"))
    asked = asked.filter(~pl.col("path").str.contains(SHARED_PATHS))
    crowded = asked.group_by("src", "path").agg(pl.col("dst").n_unique().alias("n"))
    crowded = crowded.filter(pl.col("n") >= context.limit("domains"))
    drafts = []
    for (client, path), rows in asked.join(crowded, on=["src", "path"], how="semi", maintain_order="left").group_by(
        "src", "path", maintain_order=True
    ):
        if context.is_outside(str(client)):
            continue
        draft = _draft(tables, context, str(client), str(path), rows)
        if draft is not None:
            drafts.append(draft)
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, context: Context, client: str, path: str, rows: pl.DataFrame) -> Draft | None:
    domains: dict[str, str] = {}
    posted: set[str] = set()
    for host, server, method, referer in rows.select("host", "dst", "method", "referer").iter_rows():
        name = host.rsplit(":", 1)[0].lower() if host.count(":") == 1 else host.lower()
        # Where a page led to it, its own site's or another's, that page is why it was asked for.
        led = referer and not referer.lower().split("?", 1)[0].endswith(name + path.lower())
        if not context.is_outside(server) or led or known.polling_service(name):
            continue
        domain = registered_domain(name) or name
        domains.setdefault(domain, f"{name} ({server})")
        if method != "GET":
            posted.add(domain)
    if len(domains) < context.limit("domains"):
        return None
    priority: Priority = "high" if len(posted) >= context.limit("posted") else "medium"
    methods = " and ".join(rows["method"].unique().sort().to_list())
    agents = [a for a in rows["user_agent"].unique(maintain_order=True).to_list() if a]
    answers = tables.http.filter(
        pl.col("status").is_not_null() & pl.col("request_frame").is_in(rows["frame"].implode())
    )
    errors = answers.filter(pl.col("status") >= 400).height
    first = float(rows["time"].to_list()[0])
    shown = list(domains.values())
    some = f"{', '.join(shown[:SERVERS_SHOWN])}" + (
        f" and {len(shown) - SERVERS_SHOWN} more" * (len(shown) > SERVERS_SHOWN)
    )
    return Draft(
        subject=f"{client} {words.cut(path, 80)}",
        hosts=(client, *rows["dst"].unique(maintain_order=True).to_list()[:5]),
        summary=(
            f"{client} sent {rows.height} HTTP requests ({methods}) for the same path {words.cut(path, 80)} to "
            f"servers of {len(domains)} domains outside, from {words.clock(first)} UTC: {some}. "
            "No page led there. "
            f"{f'It posted to {len(posted)} of them. ' if posted else ''}"
            f"{errors} of {answers.height} answers were errors. "
            f"{'User-Agent ' + words.cut(agents[0], 80) if agents else 'No request has a User-Agent'}."
        ),
        sentence=(
            f"{client} began to ask servers of {len(domains)} domains for the same path {words.cut(path, 60)} "
            f"({rows.height} requests)"
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(
            filters.src(client),
            filters.one_of("http.request.method", ["GET", "POST", "PUT"]),
            filters.any_of(filters.equals("http.request.uri", path), filters.equals("http.request.uri.path", path)),
            common.not_quoted(tables),
        ),
        frames=rows["frame"].to_list(),
        evidence=evidence(
            [
                ("time", "time"),
                ("server", "address"),
                ("host", "text"),
                ("request", "text"),
                ("body", "bytes"),
                ("frame", "frame"),
            ],
            [
                (
                    r["time"],
                    r["dst"],
                    words.cut(r["host"], 80),
                    f"{r['method']} {words.cut(r['uri'], 80)}",
                    r["content_length"],
                    r["frame"],
                )
                for r in rows.iter_rows(named=True)
            ],
        ),
        indicators=tuple(("domain", d) for d in list(domains)[:10]),
        line_up=("http.request.method", "http.host", "http.request.uri", "http.content_length_header"),
        time=first,
        weight=min(8.0, float(len(domains))),
    )
