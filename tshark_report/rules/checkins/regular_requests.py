"""Does a client send the same HTTP request again and again at regular intervals?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _rhythm as rhythms
from tshark_report.rules.checkins import _throwaway as throwaway
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 10
BURST_S = 1.0
"""Requests that follow each other faster are one contact: an answer is often fetched or sent back at once."""

HTTP_POST = Reference(
    title="RFC 9110 HTTP Semantics, section 9.3.3 POST", url="https://www.rfc-editor.org/rfc/rfc9110#section-9.3.3"
)
THRESHOLDS: Mapping[str, Threshold] = {
    "contacts": Threshold(6, "contacts", "Five gaps; below ten contacts only a nearly constant gap counts."),
    "jitter": Threshold(
        0.25, "share of the median gap", "Uniform jitter of 50 % either way gives 0.25; independent requests give 0.69."
    ),
    "few_jitter": Threshold(0.1, "share of the median gap", "With fewer than ten contacts chance may give 0.25."),
    "shortest_gap": Threshold(
        2.0, "seconds", "Pages and downloads ask faster; so do load tests and password guessing."
    ),
    "span": Threshold(20.0, "seconds", "Anything shorter is one page or one program start."),
}
MANY = 20
"""Contacts from which even a GET from a named server is worth a look, where a browser's name stands for no browser."""
PATHS_OF_NO_PAGE = 3
MESSAGE_PATHS = 0.75
"""Share of requests with a path of their own from which GETs to many paths may be one contact."""
MESSAGE_PATH = 80
"""Characters of a path that nearly every request has anew: pages and pictures are called by shorter names."""
FEW = 10
"""Contacts below which `few_jitter` holds."""


@dataclass(frozen=True)
class RegularPath:
    """Requests of one client with one method for one path of one server, at regular intervals."""

    client: str
    server: str
    port: int
    method: str
    path: str
    """Without its query; `*` where nearly every request asked for another path."""
    requests: pl.DataFrame
    rhythm: rhythms.Rhythm


@rule(
    code="CHK002",
    name="regular-requests",
    family="checkins",
    title="The same HTTP request was sent at regular intervals",
    question="Does a client send the same HTTP request again and again at regular intervals?",
    answers=("Q1", "Q4"),
    why=(
        "A program that reports to a server and asks for orders posts to the same path at a fixed or jittered "
        "interval, "
        "often inside one kept-alive connection, where connection logs show a single session."
    ),
    innocent=(
        Innocent(
            explanation="Agents for metrics, logs, updates or licences post or poll by design.",
            tell_apart=(
                "The User-Agent and the path belong to a product that is installed on the client, and the server is "
                "its server."
            ),
        ),
        Innocent(
            explanation="A page that is open in a browser refreshes itself (mail, chat, scores, a dashboard).",
            tell_apart="The requests carry a Referer and a browser's User-Agent and end when the page is closed.",
        ),
    ),
    confirm=(
        "Read two or three bodies, request and answer (Follow HTTP Stream): a host name, an identifier, encoded text?",
        "Which process on the client sends them, and when was its file written?",
        "Does the User-Agent fit the software of that client?",
    ),
    references=(common.C2_WEB, HTTP_POST, common.REGULARITY_PAPER),
    needs=("http",),
    thresholds=THRESHOLDS,
    weight=75,
)
def regular_requests(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups requests by client, server, method and path, and looks at the gaps between them."""
    drafts = [_draft(tables, context, found) for found in regular_paths(tables, context.limits)]
    yield from common.first_of(drafts, FINDINGS_MAX)


def regular_paths(tables: Tables, limits: Mapping[str, float] | None = None) -> list[RegularPath]:
    """Every regular request of the capture; regular-connections asks too, so as not to tell the same contact twice."""
    limit = limits or {name: threshold.value for name, threshold in THRESHOLDS.items()}
    key = ("regular paths", tuple(sorted(limit.items())))
    if key not in tables.kept:
        tables.kept[key] = _regular_paths(tables, limit)
    return list(tables.kept[key])


def _regular_paths(tables: Tables, limit: Mapping[str, float]) -> list[RegularPath]:
    asked = tables.http.filter(
        pl.col("method").is_not_null()
        & (pl.col("protocol") != "SSDP")
        & pl.col("uri").is_not_null()
        & pl.col("src").is_not_null()
        & ~pl.col("method").is_in(["M-SEARCH", "NOTIFY", "CONNECT"])
    )
    if asked.height < limit["contacts"]:
        return []
    asked = asked.with_columns(
        pl.col("uri").str.replace(r"^https?://[^/]+", "").str.split("?").list.first().alias("path")
    )
    keys = ["src", "dst", "dst_port", "method"]
    made = []
    for (client, server, port, method), rows in asked.group_by(keys, maintain_order=True):
        # Where nothing regular can be in the whole, nothing is in its parts.
        if rows.height < limit["contacts"] or _span(rows) < limit["span"]:
            continue
        changing = rows["path"].n_unique() / rows.height
        whole = changing > 0.5 if str(method) in ("POST", "PUT") else changing > MESSAGE_PATHS and _carries(rows)
        groups = (
            [("*", rows)]
            if whole
            else [
                (str(path), same)
                for (path,), same in _often(rows, limit["contacts"]).group_by("path", maintain_order=True)
            ]
        )
        for path, same in groups:
            rhythm = rhythms.rhythm(rhythms.apart(same["time"].to_list(), BURST_S))
            if rhythm is not None and _regular(rhythm, limit):
                made.append(RegularPath(str(client), str(server), int(str(port)), str(method), path, same, rhythm))
    return made


def _carries(rows: pl.DataFrame) -> bool:
    """Each request asks for another long path and names no page that it comes from: the path carries the message."""
    lengths = rows["path"].str.len_chars()
    return rows["referer"].drop_nulls().is_empty() and float(str(lengths.quantile(0.25) or 0)) >= MESSAGE_PATH


def _span(rows: pl.DataFrame) -> float:
    times = rows["time"].to_list()
    return float(max(times) - min(times))


def _often(rows: pl.DataFrame, contacts: float) -> pl.DataFrame:
    """Requests for paths that were asked for often enough."""
    return rows.filter(pl.len().over("path") >= contacts)


def _regular(rhythm: rhythms.Rhythm, limit: Mapping[str, float]) -> bool:
    if rhythm.contacts < limit["contacts"] or rhythm.median < limit["shortest_gap"] or rhythm.span < limit["span"]:
        return False
    allowed = limit["jitter"] if rhythm.contacts >= FEW else limit["few_jitter"]
    return rhythm.jitter <= allowed and (2 * rhythm.run >= rhythm.contacts - 1 or rhythm.jitter <= limit["few_jitter"])


def _draft(tables: Tables, context: Context, found: RegularPath) -> Draft:
    rhythm, requests = found.rhythm, found.requests
    server = common.server(tables, found.server, found.port)
    odd = common.oddities(context, tables, server, "HTTP")
    priority, lowered = _priority(context, found, server, odd)
    agents = [a for a in requests["user_agent"].unique(maintain_order=True).to_list() if a]
    streams = requests["stream"].n_unique()
    what = (
        f"{found.method} {words.cut(found.path, 80)}"
        if found.path != "*"
        else f"{found.method} to {requests['path'].n_unique()} paths"
    )
    inside = "all inside one connection" if streams == 1 else f"in {streams} connections"
    bodies = requests["content_length"].drop_nulls()
    carried = f", with bodies of {_range(bodies)}" if bodies.len() else ""
    agent = f", User-Agent {words.cut(agents[0], 80)}" if agents else ", without a User-Agent"
    first, last = float(requests["time"][0]), float(requests["time"][-1])
    confidence: Confidence = "high" if rhythm.contacts >= 20 else "medium" if rhythm.contacts >= FEW else "low"
    summary = (
        f"{found.client} sent {what} to {server.words()} {requests.height} times between {words.clock(first)} and "
        f"{words.clock(last)} UTC, repeated in {rhythm.contacts} contacts "
        f"{rhythms.interval(rhythm, priority)}, {inside}{carried}{agent}.{server.about()}"
    )
    if odd:
        summary += f" Unusual: {'; '.join(odd)}."
    return Draft(
        subject=f"{found.client} -> {server.key} {found.method} {words.cut(found.path)}",
        hosts=(found.client, found.server),
        summary=summary,
        sentence=(
            f"{found.client} began to send {what} to {server.words()} every {words.seconds(rhythm.median)} "
            f"({requests.height} requests)"
        ),
        priority=priority,
        confidence=confidence,
        display_filter=_filter(tables, found),
        frames=requests["frame"].to_list(),
        evidence=evidence(
            [
                ("time", "time"),
                ("seconds since the last", "seconds"),
                ("request", "text"),
                ("body", "bytes"),
                ("User-Agent", "text"),
                ("frame", "frame"),
            ],
            [
                (
                    row["time"],
                    gap,
                    f"{row['method']} {words.cut(row['uri'], 80)}",
                    row["content_length"],
                    words.cut(row["user_agent"] or "", 80),
                    row["frame"],
                )
                for row, gap in zip(requests.iter_rows(named=True), requests["time"].diff().to_list(), strict=True)
            ],
        ),
        lowered_because=lowered,
        indicators=_indicators(context, found, server, agents) if priority in ("high", "medium") else (),
        line_up=("http.request.method", "http.request.uri", "http.content_length_header", "frame.time_delta_displayed"),
        time=first,
        weight=min(10.0, rhythm.contacts / 10) + 2 * len(odd),
    )


def _priority(context: Context, found: RegularPath, server: common.Server, odd: list[str]) -> tuple[Priority, str]:
    requests = found.requests
    sends = found.method in ("POST", "PUT")
    if server.polling:
        return "info", f"{server.name} is known to be polled: {server.polling}."
    if any(found.path.lower().startswith(prefix) for prefix in known.agent_paths()):
        return "info", f"{found.path} is a path that monitoring and logging agents use."
    referred = 2 * requests["referer"].drop_nulls().len() > requests.height
    if referred and not _page_unseen(context.tables, found):
        return "low", "The requests carry a Referer, as those of an open page do."
    outside = context.is_outside(found.server)
    bare = all(common.is_bare(host) for host in requests["host"].unique().to_list())
    if not outside:
        if sends and bare and found.port not in (80, 443, 631):
            return "medium", ""
        return "low", "The server is in the home network, where programs poll each other."
    if context.is_outside(found.client) and context.is_home(found.server):
        return "low", "The requests come from outside."
    if sends:
        return ("high" if odd or bare else "medium"), ""
    if found.path == "*":
        return "medium", ""
    if len(throwaway.signs(context.tables, found.client, server, float(requests["time"][0]))) >= throwaway.SIGNS_MIN:
        return "medium", ""
    if odd or bare or (found.rhythm.contacts >= MANY and _like_a_browser_without_a_page(context.tables, found)):
        return "medium", ""
    return "low", "A GET from a named server is how pages, feeds and updates are polled."


def _site(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:  # text from the wire: brackets that close nowhere
        return ""


def _page_unseen(tables: Tables, found: RegularPath) -> bool:
    """The Referer is always the same page of another site, which the client neither asked for nor looked up."""
    pages = found.requests["referer"].drop_nulls().unique().to_list()
    if len(pages) != 1 or found.requests["host"].n_unique() != 1:
        return False
    site = _site(pages[0])
    if not site or site == str(found.requests["host"][0] or "").split(":", 1)[0].lower():
        return False
    asked = tables.http.filter(
        (pl.col("src") == found.client) & pl.col("host").str.to_lowercase().str.starts_with(site)
    )
    greeted = tables.tls.filter((pl.col("src") == found.client) & (pl.col("server_name").str.to_lowercase() == site))
    looked_up = tables.dns.filter((pl.col("src") == found.client) & (pl.col("name").str.to_lowercase() == site))
    return not (asked.height or greeted.height or looked_up.height)


def _like_a_browser_without_a_page(tables: Tables, found: RegularPath) -> bool:
    """A browser's User-Agent without a Referer, and hardly another path of that server: no page was loaded."""
    agents = found.requests["user_agent"].unique().to_list()
    if found.requests["referer"].drop_nulls().len() or not all((a or "").startswith("Mozilla/") for a in agents):
        return False
    asked = tables.http.filter(
        (pl.col("src") == found.client) & (pl.col("dst") == found.server) & pl.col("uri").is_not_null()
    )
    return asked["uri"].str.split("?").list.first().n_unique() <= PATHS_OF_NO_PAGE


def _filter(tables: Tables, found: RegularPath) -> str:
    requests = found.requests
    parts = [filters.src(found.client), filters.dst(found.server), filters.dst_port("tcp", found.port)]
    if requests["protocol"].str.starts_with("HTTP2").any():
        parts.append(filters.frames(requests["frame"].to_list()))
        return filters.all_of(*parts)
    parts.append(filters.equals("http.request.method", found.method))
    if found.path != "*":
        parts.append(filters.one_of("http.request.uri", requests["uri"].unique(maintain_order=True).to_list()[:20]))
    return filters.all_of(*parts, common.not_quoted(tables))


def _range(values: pl.Series) -> str:
    ordered = sorted(int(v) for v in values.to_list())
    if ordered[0] == ordered[-1]:
        return words.size(ordered[0])
    return f"{ordered[0]:,} to {ordered[-1]:,} bytes"


def _indicators(
    context: Context, found: RegularPath, server: common.Server, agents: list[str]
) -> tuple[tuple[str, str], ...]:
    made: list[tuple[str, str]] = []
    if context.is_outside(found.server):
        made.append(common.indicator(found.server))
    host = next((h for h in found.requests["host"].to_list() if h), found.server)
    if found.path != "*":
        made.append(("url", f"http://{host}{found.path}"))
    if server.name:
        made.append(("domain", server.name))
    return (*made, *(("user-agent", a) for a in agents[:1]))
