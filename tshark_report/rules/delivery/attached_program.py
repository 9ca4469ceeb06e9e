"""Did a mail bring something that runs?"""

from __future__ import annotations

from collections.abc import Iterator

from tshark_report.report.model import Innocent
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._delivery import Delivery
from tshark_report.story.words import clock, count
from tshark_report.tables.tables import Tables


@rule(
    code="DEL008",
    name="attached-program",
    family="delivery",
    title="A mail carried a program, a script or a container of one",
    question="Did a mail bring something that runs when it is opened?",
    answers=("Q2", "Q12"),
    why=(
        "Programs, scripts, shortcuts, disk images and documents with macros come as attachments, mostly inside an "
        "archive; mail that a host sends out with such attachments spreads them."
    ),
    innocent=(
        Innocent(
            explanation="Developers and support staff mail scripts and tools to each other.",
            tell_apart="Sender and receiver know each other, and the text of the mail speaks of the file.",
        ),
        Innocent(
            explanation="Spreadsheets with macros are daily work in some offices.",
            tell_apart="The sender is a colleague, and the same file went around before.",
        ),
    ),
    confirm=(
        "Read the mail's headers: who sent it really (Received, Return-Path), and to how many receivers?",
        "Save the attachment on an isolated machine and compare its SHA-256 with known files.",
        "Ask the receiver whether it was opened; look at that host's traffic afterwards.",
    ),
    references=(common.ATTACHMENT, common.USER_FILE),
    needs=("mail", "files"),
    thresholds={
        "high_points": Threshold(
            grading.HIGH, "points", "Programs, scripts and containers of them; documents with macros stay at medium."
        ),
    },
    weight=85,
)
def attached_program(tables: Tables, context: Context) -> Iterator[Draft]:
    """Attachments by their content, as the mail's own parts hold them."""
    found = [
        g
        for g in grading.graded(tables, context)
        if g.delivery.protocol == "mail" and g.delivery.category in ("program", "code", "script", "carrier", "coded")
        and not g.delivery.declared.startswith("message/")
    ]  # fmt: skip
    grouped: dict[tuple[str, str], list[grading.Graded]] = {}
    for one in found:
        grouped.setdefault((one.delivery.source, one.delivery.destination), []).append(one)
    ranked = sorted(grouped.values(), key=lambda members: (-max(g.score for g in members), members[0].delivery.frame))
    for members in ranked[: common.MOST_FINDINGS]:
        members.sort(key=lambda g: (-g.score, g.delivery.frame))
        best, d = members[0], members[0].delivery
        display_filter, frames = grading.filter_of(tables, [g.delivery for g in members])
        named = common.names([f"{g.delivery.name} ({g.delivery.what})" for g in members])
        away = context.is_home(d.source) and context.is_outside(d.destination)
        yield Draft(
            subject=f"{d.source} mailed programs to {d.destination}",
            hosts=(d.source, d.destination) if away else (d.destination, d.source),
            summary=(
                f"{count(len(members), 'attachment')} that can run went by mail from {d.source} to {d.destination} "
                f"at {clock(d.time)} UTC: {named}; {_sizes(d)}."
            ),
            sentence=f"{d.source} mailed {common.cut(d.name, 60)} ({d.what}) to {d.destination}",
            priority=grading.priority_of(best, context),
            confidence=best.confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(common.FILE_COLUMNS, [grading.file_row(g.delivery) for g in members]),
            title="A host sent a mail with a program, a script or a container of one" if away else "",
            indicators=grading.indicators_of(members, context),
            time=d.time,
        )


def _sizes(d: Delivery) -> str:
    declared = f", declared as {common.cut(d.declared, 60)}" if d.declared else ""
    return (f"{d.size:,} bytes" if d.size is not None else "of unknown size") + declared
