"""Did a program cross the wire written in another way: in Base64, under an XOR key, inside an image?"""

from __future__ import annotations

from collections.abc import Iterator

from tshark_report.report.model import Innocent
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._signs import shown_name
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables


@rule(
    code="DEL005",
    name="coded-executable",
    family="delivery",
    title="A program crossed the wire in another coding",
    question="Is a program hidden in text or behind a simple key?",
    answers=("Q2", "Q12"),
    why=(
        "Loaders fetch the next program as Base64 (also written backwards), as hexadecimal text, under a short XOR "
        "key or at the end of an image, so that filters that look for the start of a program see none."
    ),
    innocent=(
        Innocent(
            explanation="Web mail, ticket systems and APIs carry uploaded files as Base64 inside JSON or XML.",
            tell_apart="The host is that service, a person attached the file, and the text around it is a message.",
        ),
    ),
    confirm=(
        "Export the object, undo the coding on an isolated machine, and compare the program's SHA-256.",
        "Which process fetched it? A script host, PowerShell or an Office program has no reason to.",
    ),
    references=(common.ENCODED, common.TOOL_TRANSFER),
    needs=("files", "signatures"),
    thresholds={
        "high_points": Threshold(
            grading.HIGH, "points", "A key or a program inside an image reaches it; Base64 needs one more sign."
        ),
    },
    weight=87,
)
def coded_executable(tables: Tables, context: Context) -> Iterator[Draft]:
    """Files whose content is a program in another coding, and streams that hold the start of one in Base64."""
    found = [
        g for g in grading.graded(tables, context) if g.delivery.category == "coded" and g.delivery.protocol != "mail"
    ]
    for members in grading.groups(found)[: common.MOST_FINDINGS]:
        best, d = members[0], members[0].delivery
        display_filter, frames = grading.filter_of(tables, [g.delivery for g in members])
        unusual = f" Unusual: {'; '.join(common.cut(s) for s in best.signs)}." if best.signs else ""
        if d.protocol == "http":
            story = f"{d.client} {'sent' if d.from_client else 'fetched'} {grading.described(d)}"
        else:
            over = "over " + d.protocol.upper() if d.protocol in ("ftp", "tftp") else f"in a stream on port {d.port}"
            story = f"{d.source} sent {d.destination} a {d.what} {over} at {clock(d.time)} UTC (frame {d.frame})"
        yield Draft(
            subject=f"{d.source} sent coded programs to {d.destination}",
            hosts=(d.client, d.server),
            summary=f"{story}.{unusual}{grading.others(members)}",
            sentence=(
                f"{d.destination} received {common.cut(shown_name(d), 60) or 'a file'} from "
                f"{common.called(context, d.source)}, which holds a {d.what}"
            ),
            priority=grading.priority_of(best, context),
            confidence=best.confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(common.FILE_COLUMNS, [grading.file_row(g.delivery) for g in members]),
            indicators=grading.indicators_of(members, context),
            time=d.start,
            weight=float(max(0, min(best.score, 4))),
        )
