"""A report that opens with what made the reader look: its verdict, its first starting point, its findings in order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from tshark_report.focus.look import Looked
from tshark_report.report import model
from tshark_report.story.starting_points import MOST

_PLACE = re.compile(r"^(?:First|Number \d+) because ")
HARMLESS = (
    "An indicator may be shared by many sites, have changed hands since it was listed, or stand on a list by mistake. "
    "What was fetched or sent, what led there and whether other hosts do the same every day tell it apart."
)


def opened(report: model.Report, looked: Looked, counts: Mapping[str, int]) -> model.Report:
    """The report with what made the reader look in front. `counts`: packets that tshark selected by each filter.

    Findings about it come first in the list, and nothing is left out.
    """
    focus = msgspec.structs.replace(
        looked.focus,
        matches=[_counted(each, counts) for each in looked.focus.matches],
        clients=[_counted(each, counts) for each in looked.focus.clients],
    )
    touching = frozenset(focus.findings)
    findings = sorted(report.findings, key=lambda f: f.id not in touching)
    return msgspec.structs.replace(
        report,
        focus=focus,
        verdict=_verdict(report.verdict, looked),
        starting_points=_points(report, focus, looked),
        findings=findings,
    )


_Counted = TypeVar("_Counted", model.FocusMatch, model.FocusClient)


def _counted(each: _Counted, counts: Mapping[str, int]) -> _Counted:
    number = counts.get(each.display_filter)
    if number is None:
        return each
    return msgspec.structs.replace(each, matched_packets=number, filter_checked=True)


def _verdict(verdict: model.Verdict, looked: Looked) -> model.Verdict:
    headline = verdict.headline.strip()
    rest = headline if headline.endswith((".", "?", "!")) else f"{headline}."
    asked = "That is what was asked about. " if looked.focus.clients else ""
    reason = f"{asked}The capture as a whole: {rest} {verdict.reason}"
    return msgspec.structs.replace(verdict, headline=looked.short, reason=reason)


def _points(report: model.Report, focus: model.Focus, looked: Looked) -> list[model.StartingPoint]:
    points = list(report.starting_points)
    if not focus.clients:
        return points
    lead = focus.clients[0]
    mine = next((p for p in points if p.subject == lead.address), None)
    first = _joined(mine, lead, looked) if mine is not None else _made(report, lead, looked)
    touching = frozenset(focus.findings)
    hosts = frozenset(c.address for c in focus.clients)
    rest = [p for p in points if p is not mine]
    near = [p for p in rest if touching & frozenset(p.findings) or p.subject in hosts]
    far = [p for p in rest if p not in near]
    ordered = [first, *near, *far][: max(MOST, len(near) + 1)]
    return [_placed(point, place) for place, point in enumerate(ordered, start=1)]


def _placed(point: model.StartingPoint, place: int) -> model.StartingPoint:
    """With its new rank, in the number and in the words."""
    where = "First because " if place == 1 else f"Number {place} because "
    return msgspec.structs.replace(point, rank=place, why_here=_PLACE.sub(where, point.why_here))


def _joined(point: model.StartingPoint, lead: model.FocusClient, looked: Looked) -> model.StartingPoint:
    """A starting point about the same host, with what made the reader look told first."""
    story = re.sub(r"^Start with .*?\. (?=At |[A-Z0-9])", "", point.story, count=1)
    reason = _PLACE.sub("", point.why_here)
    return msgspec.structs.replace(
        point,
        headline=f"{looked.short.partition('. ')[0].rstrip('.')}; {_title(point.headline)}",
        story=f"{_start(lead, looked.short)} Apart from that: {story}",
        why_here=f"First because it was asked about ({looked.what}); besides, {reason}",
        hosts=list(dict.fromkeys([lead.address, *point.hosts])),
    )


def _start(lead: model.FocusClient, sentence: str) -> str:
    """`Start with 10.1.2.3 (PC): it reached ...`."""
    return f"Start with {lead.named}: it {sentence.removeprefix(lead.named).strip()}"


def _title(headline: str) -> str:
    """The headline without the host before it."""
    head, colon, title = headline.partition(": ")
    return title if colon else head


def _made(report: model.Report, lead: model.FocusClient, looked: Looked) -> model.StartingPoint:
    found = [f for f in report.findings if f.id in frozenset(lead.findings)]
    priority: model.Priority = next((p for p in model.PRIORITIES if any(f.priority == p for f in found)), "info")
    also = f" {len(found)} of the findings are about these packets." if len(found) > 1 else ""
    return model.StartingPoint(
        rank=1,
        subject=lead.address,
        hosts=[lead.address],
        headline=looked.short.partition(". ")[0].rstrip("."),
        story=f"{_start(lead, lead.sentence)}{also}",
        priority=priority,
        confidence="high",
        findings=[f.id for f in found][:10],
        why_here=f"First because it was asked about: {looked.what}.",
        harmless=HARMLESS,
        first_time=lead.first_time,
        last_time=lead.last_time,
        display_filter=lead.display_filter,
        matched_packets=lead.matched_packets,
    )
