"""Did web servers answer with errors?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, cut, frame_numbers, hosts_text, listed, number, when
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

ERRORS = Threshold(3, "answers", "a page or two that is missing belongs to every site")
FAILED = Threshold(20, "percent", "of the server's answers are 5xx: then its users see errors")
CHALLENGES = (401, 407)
"""Asking for a login is no error; refused logins are other rules' matter."""


@rule(
    code="APP001",
    name="http-errors",
    family="transport",
    title="A web server answered with errors",
    question="Did web servers answer with errors?",
    answers=("Q7",),
    why=(
        "A 5xx says that the server's application (or the one behind its proxy) failed: transport and network "
        "did their work. A "
        "4xx says that what was asked for is not there or not allowed: a broken link, a wrong client, or "
        "somebody trying addresses."
    ),
    innocent=(
        Innocent(
            explanation="Missing icons, maps and old links give 404 on every site.",
            tell_apart="They have a Referer of the same site and come once per page.",
        ),
        Innocent(
            explanation="A server answers 429 or 503 on purpose when a client asks too often.",
            tell_apart="Retry-After in the answer; it works again later.",
        ),
    ),
    confirm=("Read the server's error log for the same minutes.", "Ask again for one of the addresses."),
    references=(
        Reference(
            title="RFC 9110: HTTP Semantics, status codes",
            url="https://www.rfc-editor.org/rfc/rfc9110#name-status-codes",
        ),
    ),
    needs=("http",),
    thresholds={"errors": ERRORS, "failed": FAILED},
    weight=14,
)
def http_errors(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server and class of errors (4xx or 5xx)."""
    answers = tables.http.filter(pl.col("status").is_not_null() & (pl.col("protocol") != "SSDP"))
    errors = answers.filter((pl.col("status") >= 400) & (pl.col("status") < 600) & ~pl.col("status").is_in(CHALLENGES))
    if errors.is_empty():
        return
    errors = errors.with_columns((pl.col("status") // 100).alias("class"))
    totals = answers.group_by("src").agg(pl.len().alias("all"))
    groups = errors.group_by("src", "class").agg(pl.len().alias("n")).join(totals, on="src")
    groups = groups.filter(pl.col("n") >= context.limit("errors"))
    order = groups.sort(["class", "n", "src"], descending=[True, True, False]).head(FINDINGS)
    for server, kind, number_of, total in order.iter_rows():
        rows = errors.filter((pl.col("src") == server) & (pl.col("class") == kind))
        yield _draft(tables, context, server, kind, rows, number_of, total)


def _draft(
    tables: Tables, context: Context, server: str, kind: int, rows: pl.DataFrame, number_of: int, total: int
) -> Draft:
    clients = [str(c) for c in rows["dst"].unique(maintain_order=True).to_list()]
    statuses = (
        rows.group_by("status", maintain_order=True)
        .agg(pl.len().alias("n"))
        .sort("n", descending=True, maintain_order=True)
    )
    asked = _asked(tables, rows)
    uris = list(dict.fromkeys(cut(u, 80) for u in asked.values() if u))
    share = 100 * number_of / max(1, total)
    priority: Priority = "info"
    if kind == 5:
        priority = "medium" if share >= context.limit("failed") else "low"
    what = listed([f"{n:,} with {s}" for s, n in statuses.iter_rows()], 5)
    codes = [int(s) for s in statuses["status"].to_list()]
    return Draft(
        subject=f"{server} {kind}xx",
        hosts=(server, *clients[:4]),
        title=f"A web server answered with errors ({kind}xx)",
        summary=(
            f"{context.named(server)} answered {count(number_of, 'request')} of {hosts_text(clients)} with HTTP "
            f"errors ({share:.0f} % of its "
            f"{count(total, 'answer')}): {what}, from {clock(number(rows['time'].min()))} to "
            f"{clock(number(rows['time'].max()))} UTC." + (f" Asked for: {listed(uris, 4)}." if uris else "")
        ),
        sentence=f"{context.named(server)} answered {hosts_text(clients, 2)} with HTTP errors ({what})",
        priority=priority,
        confidence="high",
        display_filter=filters.all_of(filters.src(server), filters.one_of("http.response.code", codes)),
        frames=frame_numbers(rows),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("server", "address"),
                ("client", "address"),
                ("status", "count"),
                ("asked for", "text"),
            ),
            [
                (r["frame"], when(r["time"]), server, r["dst"], r["status"], cut(asked.get(r["frame"], "")))
                for r in rows.iter_rows(named=True)
            ],
        ),
        line_up=("http.response.code", "http.request.uri", "http.time"),
    )


def _asked(tables: Tables, rows: pl.DataFrame) -> dict[int, str]:
    """Answer frame -> address that was asked for."""
    requests = tables.http.filter(pl.col("method").is_not_null()).select(
        pl.col("frame").cast(pl.Int64).alias("request_frame"), pl.col("uri").alias("asked")
    )
    found = rows.select("frame", "request_frame").join(requests, on="request_frame", how="inner")
    return {frame: str(uri or "") for frame, uri in found.select("frame", "asked").iter_rows()}
