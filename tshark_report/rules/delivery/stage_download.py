"""Did a client ask for a path that attack frameworks' first stages use, and get a large unreadable answer?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery._http import exchanges, is_bare, path_of
from tshark_report.story.words import clock, iso_time
from tshark_report.tables.tables import Tables

STAGES = {92: "32-bit", 93: "64-bit"}
"""Checksum of the path without its slash (sum of its characters modulo 256) and the stage that it asks for."""
_SHORT_PATH = re.compile(r"/([A-Za-z0-9_-]{4,5})\Z")


@rule(
    code="DEL011",
    name="stage-download",
    family="delivery",
    title="A short path with a stager's checksum brought a large unreadable answer",
    question="Did a small program fetch its second stage over HTTP?",
    answers=("Q2", "Q12"),
    why=(
        "The first stage of widely used attack frameworks asks for four or five random characters whose sum is fixed, "
        "and gets some hundred kilobytes of encoded program, declared as octet-stream."
    ),
    innocent=(
        Innocent(
            explanation="One in 128 short random paths has such a sum by chance.",
            tell_apart="The site uses short paths everywhere (links, pastes), and the answer is a known file.",
        ),
    ),
    confirm=(
        "Save the object and look for a decoding loop at its beginning, or decode it with a parser for that framework.",
        "Look for regular contact of the client with the same server afterwards.",
    ),
    references=(
        Reference(
            title="Metasploit Framework: URI checksums of HTTP stagers (uri_checksum.rb)",
            url="https://github.com/rapid7/metasploit-framework/blob/master/lib/rex/payloads/meterpreter/uri_checksum.rb",
        ),
        common.TOOL_TRANSFER,
    ),
    needs=("http",),
    thresholds={
        "bytes": Threshold(50_000.0, "bytes", "A stage holds a whole program; chance hits are pages and small data.")
    },
    weight=82,
)
def stage_download(tables: Tables, context: Context) -> Iterator[Draft]:
    """GET requests for such a path whose answer is declared as octet-stream (or nothing) and is of no known type."""
    asked = exchanges(tables).filter(
        (pl.col("method") == "GET") & (pl.col("status") == 200) & pl.col("encoding").is_null()
        & pl.col("content_type").fill_null("").str.contains(r"^$|(?i)octet-stream")
        & pl.col("uri").str.contains(r"/[A-Za-z0-9_-]{4,5}$")
    )  # fmt: skip
    known = tables.files.filter(pl.col("frame").is_not_null()).select("frame", "bytes", "detected_type", "sha256")
    rows = asked.join(known, left_on="answer_frame", right_on="frame", how="left", maintain_order="left")
    told: set[tuple[str, str]] = set()
    for row in rows.iter_rows(named=True):
        found = _SHORT_PATH.match(path_of(row["uri"]))
        size = row["bytes"] if row["bytes"] is not None else row["length"] or 0
        if (
            found is None or sum(found[1].encode()) % 256 not in STAGES or row["detected_type"] not in (None, "")
            or size < context.limit("bytes") or (row["client"], row["server"]) in told
            or len(told) >= common.MOST_FINDINGS
        ):  # fmt: skip
            continue
        told.add((row["client"], row["server"]))
        yield _draft(tables, context, row, sum(found[1].encode()) % 256, size)


def _draft(tables: Tables, context: Context, row: dict[str, Any], checksum: int, size: int) -> Draft:
    client, server, port = row["client"], row["server"], row["port"]
    bare = is_bare(row["host"])
    priority: Priority = "high" if bare and not row["referer"] else "medium"
    last = None if row["next_frame"] is None else row["next_frame"] - 1
    wanted = ("tcp", row["stream"], None if row["first"] else row["frame"], last)
    path, agent = path_of(row["uri"]), row["user_agent"] or ""
    return Draft(
        subject=f"{client} fetched {path} from {server} port {port}",
        hosts=(client, server),
        summary=(
            f"{client} asked http://{row['host'] or server}{path} of {server} port {port} at {clock(row['time'])} UTC "
            f"and got {size:,} bytes of no known type, declared as {row['content_type'] or 'nothing'}. The path is "
            f"short and its checksum is {checksum}, as a stager's request for a {STAGES[checksum]} stage has it"
            f"{'; the server was called by its bare address' if bare else ''}. "
            f"User-Agent: {common.cut(agent or 'none')}."
        ),
        sentence=(
            f"{client} fetched {size:,} unreadable bytes as {path} (a stager's checksum) from "
            f"{common.called(context, server)} port {port}"
        ),
        priority=priority,
        confidence="medium",
        display_filter=common.stretch(*wanted),
        frames=common.stretch_frames(tables, [wanted]),
        evidence=evidence(
            [("time", "time"), ("frame", "frame"), ("request", "text"), ("declared", "text"), ("bytes", "bytes"),
             ("checksum", "count"), ("user agent", "text"), ("SHA-256", "text")],
            [(iso_time(row["time"]), row["frame"], f"GET {path}", row["content_type"] or "", size, checksum,
              common.cut(agent), row["sha256"] or "")],
        ),
        indicators=((("ipv6" if ":" in server else "ipv4"), server),) if context.is_outside(server) else (),
        time=row["time"],
    )  # fmt: skip
