"""WEB003: one client went through a web server's addresses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import polars as pl

from tshark_report.knowledge import load
from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access import _web
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered, towards
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables


@lru_cache(maxsize=1)
def scanners() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Scanners that name themselves in the User-Agent."""
    return tuple((s["name"], re.compile(s["pattern"], re.IGNORECASE)) for s in load("web")["scanner"])


@rule(
    code="WEB003",
    name="web-scans",
    family="access",
    title="One client scanned a web server for weak spots",
    question="Did somebody go through a web server looking for pages that should not be there?",
    answers=(),
    why="A vulnerability scan or a search for hidden pages asks for hundreds of addresses that nobody links to, "
    "and most "
    "answers are 404; some scanners say their name.",
    innocent=(
        Innocent(
            explanation="One's own vulnerability scan.",
            tell_apart="The source is the scanner, the time was announced.",
        ),
        Innocent(
            explanation="A search engine or a link checker on a site that was moved.",
            tell_apart="It follows old links, names itself, slows down, and reads robots.txt first.",
        ),
    ),
    confirm=(
        "Which of the addresses were answered with success, and should they be?",
        "Is the source one's own scanner? If not, what did it do after the scan?",
    ),
    references=(
        Reference(
            title="ATT&CK T1595.002 Vulnerability Scanning", url="https://attack.mitre.org/techniques/T1595/002/"
        ),
        Reference(title="ATT&CK T1595.003 Wordlist Scanning", url="https://attack.mitre.org/techniques/T1595/003/"),
    ),
    needs=("http",),
    thresholds={
        "missing": Threshold(
            30, "addresses answered 4xx", "a broken page misses some pictures; a list of guesses misses dozens"
        ),
        "missing_share": Threshold(0.6, "share of requests", "an ordinary visit finds most of what it asks for"),
        "probes": Threshold(
            8, "addresses", "addresses that no page links to (/.git, /wp-login.php, ...): a visitor asks for none"
        ),
        "named": Threshold(5, "requests", "of a client that names itself a scanner"),
    },
    weight=55.0,
)
def web_scans(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server."""
    http = tables.http.filter((pl.col("protocol") != "SSDP") & pl.col("method").is_not_null())
    if http.is_empty():
        return
    answers = (
        tables.http.filter(pl.col("request_frame").is_not_null())
        .select(pl.col("request_frame").cast(pl.UInt32).alias("frame"), pl.col("status").alias("answer"))
        .unique(subset=["frame"])
    )
    asked = http.join(answers, on="frame", how="left", maintain_order="left")
    probes: dict[tuple[str, str, int], set[str]] = {}
    for request in _web.requests(tables):
        if "probe for files that are not meant for visitors" in request.kinds or request.strong:
            probes.setdefault((request.client, request.server, request.port), set()).add(request.uri)
    agents = {
        a: next((name for name, p in scanners() if p.search(a)), "")
        for a in asked["user_agent"].drop_nulls().unique().to_list()
    }
    known = {a: name for a, name in agents.items() if name}
    missing = pl.col("answer").is_in([400, 401, 403, 404, 405, 410])
    grouped = asked.group_by("src", "dst", "dst_port", maintain_order=True).agg(
        pl.len().alias("requests"),
        pl.col("uri").n_unique().alias("addresses"),
        pl.col("uri").filter(missing).n_unique().alias("missing"),
        pl.col("user_agent").is_in(list(known)).sum().alias("named"),
    )
    drafts = []
    for row in grouped.iter_rows(named=True):
        at = (str(row["src"]), str(row["dst"]), int(row["dst_port"] or 0))
        by_name = row["named"] >= context.limit("named")
        by_share = (
            row["missing"] >= context.limit("missing")
            and row["missing"] >= context.limit("missing_share") * row["addresses"]
        )
        by_probe = len(probes.get(at, ())) >= context.limit("probes")
        if by_name or by_share or by_probe:
            rows = asked.filter(
                (pl.col("src") == row["src"]) & (pl.col("dst") == row["dst"]) & (pl.col("dst_port") == row["dst_port"])
            )
            drafts.append(_draft(context, at, rows, known, probes.get(at, set()), certain=by_name or by_share))
    drafts.sort(key=lambda draft: -len(draft.frames))
    yield from drafts[:MOST_FINDINGS]


def _draft(
    context: Context,
    at: tuple[str, str, int],
    rows: pl.DataFrame,
    known: dict[str, str],
    probes: set[str],
    *,
    certain: bool,
) -> Draft:
    client, server, port = at
    first, last = float(rows["time"].min() or 0), float(rows["time"].max() or 0)  # type: ignore[arg-type]
    tools = list(dict.fromkeys(known[a] for a in rows["user_agent"].drop_nulls().to_list() if a in known))
    agents = Counter(rows["user_agent"].drop_nulls().to_list())
    statuses = Counter(rows["answer"].to_list())
    answered = sum(n for status, n in statuses.items() if status is not None)
    told = [f"{n:,} × {status}" for status, n in statuses.most_common(5) if status is not None]
    if answered == 0:
        answer = "no response was captured, only requests (one-sided)"
    else:
        answer = (
            "answers: "
            + ", ".join(told)
            + (f", {statuses[None]:,} without an answer in the capture" if statuses.get(None) else "")
        )
    found = rows.filter(pl.col("answer").is_between(200, 299))["uri"].unique(maintain_order=True).to_list()
    paths = [p.regex for p in _web.patterns() if p.kind.startswith("probe")]
    opened = [u for u in found if u in probes and any(p.search(_web.values_of(u)[0]) for p in paths)]
    priority: Priority = "medium"
    confidence: Confidence = "high" if certain else "medium"
    tool = (
        f' It names itself {listed(tools, 3)} (User-Agent "{cut(agents.most_common(1)[0][0], 70)}").' if tools else ""
    )
    success = (
        f" {count(len(opened), 'such address', 'such addresses')} answered with success: {names(opened, 3)}."
        if opened
        else ""
    )
    target = f"{called(context, server)} port {port}"
    samples = names(
        sorted(u for u in probes if len(u) > 1) or rows["uri"].drop_nulls().unique(maintain_order=True).to_list(), 4
    )
    summary = (
        f"Web vulnerability scan: {client} sent {count(rows.height, 'request')} for "
        f"{count(rows['uri'].n_unique(), 'different address', 'different addresses')} to "
        f"{target} in {duration(last - first)}, {minutes(first, last)}, for example {samples}; {answer}.{tool}{success}"
    )
    http2 = bool(rows.filter(pl.col("protocol").str.starts_with("HTTP2")).height)
    frames = ordered(rows["frame"].to_list())
    filter_ = filters.all_of(
        towards(client, server, port),
        filters.any_of(filters.exists("http.request.method"), filters.exists("http2.headers.method"))
        if http2
        else filters.exists("http.request.method"),
    )
    chosen = rows.with_columns(pl.col("uri").is_in(sorted(probes)).alias("probe")).sort(
        "probe", "frame", descending=[True, False]
    )
    return Draft(
        subject=f"{client} to {server}:{port}",
        hosts=tuple(dict.fromkeys([client, server])),
        summary=summary,
        sentence=f"{client} began a web scan of {target}{' with ' + tools[0] if tools else ''}: "
        f"{count(rows.height, 'request')}",
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("request", "text"), ("status", "count"), ("User-Agent", "text")),
            [
                [
                    r["time"],
                    r["frame"],
                    cut(f"{r['method']} {r['uri'] or ''}", 100),
                    r["answer"],
                    cut(r["user_agent"] or "", 60),
                ]
                for r in chosen.head(50).iter_rows(named=True)
            ],
            rows.height,
        ),
        title=f"One client scanned a web server for weak spots{' with ' + tools[0] if tools else ''}",
        time=first,
    )
