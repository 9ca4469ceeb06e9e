"""Does a server declare text and send bytes that are none?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tshark_report.capture.filetypes import is_binary
from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery._http import exchanges, is_bare
from tshark_report.rules.delivery._signs import WEB_PORTS
from tshark_report.story.words import clock, count, iso_time, size
from tshark_report.tables.tables import Tables

MOST_STREAMS = 25


@rule(
    code="DEL009",
    name="unreadable-answer",
    family="delivery",
    title="A server declared text and sent bytes that are not text",
    question="Does an HTTP answer that is declared as a page hold something else that nothing can read?",
    answers=("Q2", "Q12"),
    why=(
        "Loaders fetch encrypted programs and orders from servers that call them text/html, so that they look like "
        "pages to whoever reads only headers."
    ),
    innocent=(
        Innocent(
            explanation="Applications exchange binary messages and leave the server's default type in place.",
            tell_apart="The host name and User-Agent belong to an installed product, and the answers are small.",
        ),
        Innocent(
            explanation="A page was compressed with a method that its header does not name.",
            tell_apart="The client is a browser and shows the page.",
        ),
    ),
    confirm=(
        "Save the object and look at it in hexadecimal: any header, any repetition?",
        "What did the client send to get it, and does it ask again at intervals?",
    ),
    references=(common.HTTP_SEMANTICS, common.ENCODED),
    needs=("files",),
    thresholds={
        "bytes": Threshold(1000.0, "bytes", "Shorter bodies are counters, tokens and messages of applications."),
        "medium_points": Threshold(3.0, "points", "Bare address outside 2; odd port 1; answer to a POST 1."),
    },
    weight=60,
)
def unreadable_answer(tables: Tables, context: Context) -> Iterator[Draft]:
    """Bodies declared as text whose first bytes hold control characters as encrypted bytes do."""
    files = tables.files.filter(
        (pl.col("protocol") == "http") & (pl.col("detected_type") == "") & (pl.col("bytes") >= context.limit("bytes"))
        & pl.col("declared_type").str.starts_with("text/") & pl.col("frame").is_not_null()
        & pl.col("head").is_not_null() & (pl.col("marks").list.len().fill_null(0) == 0)
    )  # fmt: skip
    if files.is_empty():
        return
    asked = (
        exchanges(tables)
        .filter(pl.col("encoding").is_null())
        .select(
            "frame",
            "time",
            "client",
            "server",
            "port",
            "stream",
            "method",
            "host",
            "uri",
            "user_agent",
            "answer_frame",
            "next_frame",
            "first",
        )
    )
    rows = files.select("frame", "bytes", "declared_type", "sha256", "head").join(
        asked, left_on="frame", right_on="answer_frame", how="inner", suffix="_asked", maintain_order="left"
    )
    grouped: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        if is_binary(row["head"]):
            grouped.setdefault((row["client"], row["server"], row["port"]), []).append(row)
    ranked = sorted(grouped.items(), key=lambda item: -sum(row["bytes"] for row in item[1]))
    for (client, server, port), found in ranked[: common.MOST_FINDINGS]:
        yield _draft(tables, context, client, server, port, found)


def _draft(tables: Tables, context: Context, client: str, server: str, port: int, found: list[dict[str, Any]]) -> Draft:
    first = found[0]
    bare, outside = is_bare(first["host"]), context.is_outside(server)
    posted = any(row["method"] == "POST" for row in found)
    score = (2 if bare and outside else 1 if bare else 0) + (port not in WEB_PORTS) + posted
    priority: Priority = "medium" if score >= context.limit("medium_points") else "low"
    wanted = [
        (
            "tcp",
            row["stream"],
            None if row["first"] else row["frame_asked"],
            None if row["next_frame"] is None else row["next_frame"] - 1,
        )
        for row in found[:MOST_STREAMS]
    ]
    total = sum(row["bytes"] for row in found)
    host, declared = first["host"] or server, common.cut(first["declared_type"], 40)
    uri = common.cut(first["uri"] or "/", 90)
    return Draft(
        subject=f"{client} got unreadable answers from {server} port {port}",
        hosts=(client, server),
        summary=(
            f"{server} port {port} answered {count(len(found), 'request')} of {client} from "
            f"{clock(first['time'])} UTC on with {total:,} bytes declared as {declared} neither text nor of any known "
            f"type: "
            f"{first['method']} http://{common.cut(host, 60)}{uri}"
            f"{' (bare address)' if bare else ''}. User-Agent: {common.cut(first['user_agent'] or 'none')}."
        ),
        sentence=(
            f"{client} got {size(total)} declared as {declared} but unreadable from {common.called(context, server)} "
            f"port {port} ({first['method']} {uri})"
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.any_of(*dict.fromkeys(common.stretch(*w) for w in wanted)),
        frames=common.stretch_frames(tables, wanted),
        evidence=evidence(
            [("time", "time"), ("frame", "frame"), ("request", "text"), ("declared", "text"), ("bytes", "bytes"),
             ("first bytes", "hex"), ("SHA-256", "text")],
            [(iso_time(r["time"]), r["frame"], f"{r['method']} {common.cut(r['uri'] or '/', 120)}", r["declared_type"],
              r["bytes"], r["head"][:16].hex(), r["sha256"])
             for r in found],
        ),
        indicators=((("ipv6" if ":" in server else "ipv4"), server),) if priority == "medium" and outside else (),
        time=first["time"],
        weight=float(score),
    )  # fmt: skip
