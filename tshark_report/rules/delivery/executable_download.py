"""Was a program fetched over HTTP, and how?"""

from __future__ import annotations

from collections.abc import Iterator

from tshark_report.report.model import Innocent
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._signs import shown_name
from tshark_report.tables.tables import Tables


@rule(
    code="DEL002",
    name="executable-download",
    family="delivery",
    title="An executable was fetched over HTTP",
    question="Was a program downloaded, from where, and by what?",
    answers=("Q1", "Q2", "Q12"),
    why=(
        "Programs reach a host by ordinary downloads. Where the server is called by its bare address, the path names "
        "no program, or a script's User-Agent asks for it, nobody chose that download on a web page."
    ),
    innocent=(
        Innocent(
            explanation="Updaters and package managers fetch programs over clear HTTP and check their signature.",
            tell_apart="The host name is the vendor's, the User-Agent the product's, and other clients do the same.",
        ),
        Innocent(
            explanation="Administrators install agents with curl or PowerShell from a server inside the network.",
            tell_apart="The server is known, the change is on record, and nothing new is contacted afterwards.",
        ),
    ),
    confirm=(
        "Export the object on an isolated machine; compare its SHA-256, look at its signature and sections.",
        "Which process on the client sent this request, and what did it start?",
        "What did the client do in the minutes after it: new hosts, regular contact, uploads?",
    ),
    references=(common.TOOL_TRANSFER, common.PE_FORMAT, common.USER_FILE),
    needs=("files", "signatures", "openings"),
    thresholds={
        "high_points": Threshold(
            grading.HIGH, "points", "Bare address outside 2; odd agent 1-2; odd port, POST, nameless path 1 each."
        ),
        "medium_points": Threshold(grading.MEDIUM, "points", "Two such signs together are rare in ordinary downloads."),
    },
    weight=88,
)
def executable_download(tables: Tables, context: Context) -> Iterator[Draft]:
    """Programs by their content, from exported objects or from the bytes of a stream that the capture cuts."""
    found = [
        g
        for g in grading.graded(tables, context)
        if g.delivery.category == "program" and g.delivery.protocol == "http" and not g.disguise
    ]
    for members in grading.groups(found)[: common.MOST_FINDINGS]:
        best, d = members[0], members[0].delivery
        verb, way = ("sent", "to") if d.from_client else ("fetched", "from")
        display_filter, frames = grading.filter_of(tables, [g.delivery for g in members])
        unusual = (
            f" Unusual: {'; '.join(common.cut(s) for s in best.signs)}."
            if best.signs
            else " Nothing about the request is unusual."
        )
        name = common.cut(shown_name(d), 60)
        yield Draft(
            subject=f"{d.client} {verb} programs {way} {d.server}",
            hosts=(d.client, d.server),
            summary=(
                f"{d.client} {verb} {grading.described(d)}.{unusual}{grading.agent_of(best)}{grading.others(members)}"
            ),
            sentence=(
                f"{d.client} {verb} {grading.with_article(d.what)} as {common.cut(d.uri or name, 80)} {way} "
                f"{common.called(context, d.server)}" + (f" port {d.port}" if d.port != 80 else "")
            ),
            priority=grading.priority_of(best, context),
            confidence=best.confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(common.FILE_COLUMNS, [grading.file_row(g.delivery) for g in members]),
            title="An executable was sent over HTTP" if d.from_client else "",
            lowered_because="an updater's User-Agent or path asked a named host"
            if best.score <= 0 and d.user_agent
            else "",
            indicators=grading.indicators_of(members, context),
            time=d.start,
            line_up=("http.request.full_uri", "http.content_type", "http.content_length", "http.user_agent"),
            weight=float(max(0, min(best.score, 6))),
        )
