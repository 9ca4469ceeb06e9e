"""Was a script, Java code, a shortcut or a container of such things fetched over HTTP?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._delivery import Delivery
from tshark_report.rules.delivery._signs import shown_name
from tshark_report.tables.tables import Tables


@rule(
    code="DEL004",
    name="code-download",
    family="delivery",
    title="A script, Java code or a container of a program was fetched over HTTP",
    question="Was something fetched that runs without being a program: script, Java class, shortcut, disk image?",
    answers=("Q1", "Q2", "Q12"),
    why=(
        "Scripts, Java classes, shortcuts, disk images and archives with one script in them run at a double click or "
        "are run by the service that fetched them, and are seldom looked at as programs are."
    ),
    innocent=(
        Innocent(
            explanation="Installation guides pipe a project's script into a shell; Java applications load classes.",
            tell_apart="The host is the project's own name, and a person or a deployment ran the command.",
        ),
        Innocent(
            explanation="Disk images of operating systems come over clear HTTP from mirrors.",
            tell_apart="They are hundreds of megabytes long and the mirror is a known one.",
        ),
    ),
    confirm=(
        "Read the content (Follow HTTP Stream): what does it start, which addresses does it hold?",
        "Look at what the server of the file sent to this client before: did a request make the client fetch it?",
        "Look for new connections of the client within seconds after the file.",
    ),
    references=(common.TOOL_TRANSFER, common.USER_FILE, common.HTTP_SEMANTICS),
    needs=("files",),
    thresholds={
        "high_points": Threshold(
            grading.HIGH, "points", "Bare address outside 2, call-back 2, tool 1-2, odd port 1, kind of file 0-2."
        ),
        "medium_points": Threshold(
            grading.MEDIUM, "points", "Two signs together; a named host without a strong sign stays at medium."
        ),
    },
    weight=86,
)
def code_download(tables: Tables, context: Context) -> Iterator[Draft]:
    """Files by their content, with the signs of how they were asked for."""
    found = [
        g
        for g in grading.graded(tables, context)
        if g.delivery.category in ("code", "script", "carrier") and g.delivery.protocol == "http" and not g.disguise
    ]
    for members in grading.groups(found)[: common.MOST_FINDINGS]:
        best, d = members[0], members[0].delivery
        verb, way = ("sent", "to") if d.from_client else ("fetched", "from")
        display_filter, frames = grading.filter_of(tables, [g.delivery for g in members])
        unusual = f" Unusual: {'; '.join(common.cut(s) for s in best.signs)}." if best.signs else ""
        port = f" port {d.port}" if d.port not in (0, 80) else ""
        yield Draft(
            subject=f"{d.client} {verb} code {way} {d.server}",
            hosts=(d.client, d.server),
            summary=(
                f"{d.client} {verb} {grading.described(d)}.{unusual}{grading.agent_of(best)}"
                f"{_look_up(tables, d)}{grading.others(members)}"
            ),
            sentence=(
                f"{d.client} {verb} {grading.with_article(d.what)} as {common.cut(shown_name(d), 80)} {way} "
                f"{common.called(context, d.server)}{port}"
            ),
            priority=grading.priority_of(best, context),
            confidence=best.confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(common.FILE_COLUMNS, [grading.file_row(g.delivery) for g in members]),
            title=f"{_titled(d)} was {verb} over HTTP",
            indicators=grading.indicators_of(members, context),
            time=d.start,
            line_up=("http.request.full_uri", "http.content_type", "http.content_length", "http.user_agent"),
            weight=float(max(0, min(best.score, 6))),
        )


def _titled(d: Delivery) -> str:
    text = grading.with_article(common.cut(d.what, 60))
    return text[0].upper() + text[1:]


def _look_up(tables: Tables, d: Delivery) -> str:
    """That the server had sent the client a look-up text of Log4j, which makes a server fetch code."""
    hits = tables.signatures.filter(
        (pl.col("kind") == "jndi")
        & (pl.col("src") == d.server)
        & (pl.col("dst") == d.client)
        & (pl.col("time") <= d.time)
    )
    if hits.is_empty():
        return ""
    row = hits.row(-1, named=True)
    where = f"{d.client} port {row['dst_port']}"
    return f" Before it, {d.server} had sent {where} a request that holds ${{jndi: (frame {row['frame']})."
