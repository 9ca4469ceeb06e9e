"""Did a program come under a name or type that promises something else?"""

from __future__ import annotations

from collections.abc import Iterator

from tshark_report.report.model import Innocent
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._signs import shown_name
from tshark_report.tables.tables import Tables


@rule(
    code="DEL001",
    name="disguised-executable",
    family="delivery",
    title="A file that can run came under a name or type that says otherwise",
    question="Is a downloaded file what its name and its declared type say?",
    answers=("Q2", "Q12"),
    why=(
        "A server decides freely what it calls a file and which type it declares. A program that is called logo.gif or "
        "declared as an image passes filters that look at names, and nobody asks where the program came from."
    ),
    innocent=(
        Innocent(
            explanation="A server that knows no type for an ending declares a default such as text/plain.",
            tell_apart="The name itself ends in .exe or .dll then, and the server declares all programs so.",
        ),
        Innocent(
            explanation="A vendor's own updater fetches parts under names of its choice.",
            tell_apart="The User-Agent and the host name belong to that product, and the file is signed by its vendor.",
        ),
    ),
    confirm=(
        "Export the object (File, Export Objects) on an isolated machine and compare its SHA-256 with known files.",
        "Look at what the same client did in the minutes before (which page led here) and after (new hosts, uploads).",
        "Ask on the client which process wrote the file and whether it was started.",
    ),
    references=(common.MASQUERADING, common.PE_FORMAT, common.HTTP_SEMANTICS),
    needs=("files", "signatures", "openings"),
    thresholds={
        "high_points": Threshold(
            grading.HIGH, "points", "A program in disguise always reaches it; only an updater does not."
        ),
    },
    weight=95,
)
def disguised_executable(tables: Tables, context: Context) -> Iterator[Draft]:
    """Compares content (magic bytes) with name, Content-Type and Content-Disposition."""
    found = [g for g in grading.graded(tables, context) if g.disguise and g.delivery.protocol != "mail"]
    for members in grading.groups(found)[: common.MOST_FINDINGS]:
        best, d = members[0], members[0].delivery
        verb = "sent" if d.from_client else "fetched"
        display_filter, frames = grading.filter_of(tables, [g.delivery for g in members])
        unusual = f" Unusual besides: {'; '.join(common.cut(s) for s in best.signs)}." if best.signs else ""
        referer = f" Referer: {common.cut(d.referer)}." if d.referer else ""
        yield Draft(
            subject=f"{d.client} {verb} {common.cut(shown_name(d), 60)} {'to' if d.from_client else 'from'} {d.server}",
            hosts=(d.client, d.server),
            summary=(
                f"{d.client} {verb} {grading.described(d)}. The content contradicts its label: {best.disguise}."
                f"{unusual}{referer}{grading.others(members)}"
            ),
            sentence=(
                f"{d.client} {verb} {common.cut(shown_name(d), 60)} {'to' if d.from_client else 'from'} "
                f"{common.called(context, d.server)}, which is {grading.with_article(d.what)} although {best.disguise}"
            ),
            priority=grading.priority_of(best, context),
            confidence=best.confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(common.FILE_COLUMNS, [grading.file_row(g.delivery) for g in members]),
            title=f"{d.what[0].upper()}{d.what[1:]} came as {common.cut(shown_name(d), 40)}",
            indicators=grading.indicators_of(members, context),
            time=d.start,
            line_up=("http.request.full_uri", "http.content_type", "http.content_length", "http.user_agent"),
            weight=float(min(best.score, 4)),
        )
