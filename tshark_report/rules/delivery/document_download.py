"""Which documents and archives were fetched?"""

from __future__ import annotations

from collections.abc import Iterator

from tshark_report.report.model import Innocent
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._http import is_bare
from tshark_report.rules.delivery._signs import is_updater, shown_name
from tshark_report.story.words import clock, count
from tshark_report.tables.tables import Tables

KINDS = ("old Office", "Office", "RTF", "PDF", "ZIP", "RAR", "7-Zip", "ACE")


@rule(
    code="DEL010",
    name="document-download",
    family="delivery",
    title="Documents or archives were fetched",
    question="Which documents and archives crossed the wire, and from where?",
    answers=("Q2",),
    why="Documents and archives are how many unwanted programs begin; most are just documents. Their hashes tell.",
    innocent=(
        Innocent(
            explanation="People fetch documents and archives all day.",
            tell_apart="The host is one that they work with, and nothing unusual follows.",
        ),
    ),
    confirm=("Compare the SHA-256 with known files; look at what the client did afterwards.",),
    references=(common.USER_FILE,),
    needs=("files",),
    thresholds={
        "bytes": Threshold(1.0, "bytes", "Every whole document counts; it is told for context, not as an alarm.")
    },
    weight=10,
)
def document_download(tables: Tables, context: Context) -> Iterator[Draft]:
    """Files by their content, client by client."""
    grouped: dict[str, list[grading.Graded]] = {}
    for one in grading.graded(tables, context):
        d = one.delivery
        if (
            d.category in ("document", "archive") and d.what.startswith(KINDS)
            and d.protocol in ("http", "ftp", "tftp", "mail")
            and not is_updater(d) and (d.size or 0) >= context.limit("bytes")
        ):  # fmt: skip
            grouped.setdefault(d.client if d.protocol == "http" else d.destination, []).append(one)
    for client, found in list(grouped.items())[: common.MOST_FINDINGS]:
        members = sorted(found, key=lambda g: (-g.score, g.delivery.frame))
        d = members[0].delivery
        odd = [
            g.delivery
            for g in members
            if g.delivery.protocol == "http" and is_bare(g.delivery.host) and context.is_outside(g.delivery.server)
        ]
        display_filter, frames = grading.filter_of(tables, [g.delivery for g in members])
        listed = common.names([f"{shown_name(g.delivery)} ({g.delivery.what})" for g in members], 4)
        yield Draft(
            subject=f"{client} documents and archives",
            hosts=(
                client,
                *dict.fromkeys(
                    g.delivery.server if g.delivery.protocol == "http" else g.delivery.source for g in members
                ),
            ),
            summary=(
                f"{count(len(members), 'document or archive', 'documents or archives')} passed to or from {client}, "
                f"the first at {clock(d.start)} UTC between it and {common.called(context, d.server)}: {listed}."
                + (f" With a bare address: {common.names([o.server for o in odd])}." if odd else "")
            ),
            sentence=(
                f"{client} exchanged {common.cut(shown_name(d), 60)} ({d.what}) with {common.called(context, d.server)}"
            ),
            priority="low" if odd else "info",
            confidence="high",
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(common.FILE_COLUMNS, [grading.file_row(g.delivery) for g in members]),
            time=d.start,
        )
