"""Findings -> starting points: one subject each, most telling first, its findings told in time order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from tshark_report.report.model import Finding, LineUp, StartingPoint
from tshark_report.story.findings import Fired, at_least, higher, surer, times_of
from tshark_report.story.words import clock, count, iso_time, listed, verb

MOST = 5
"""Starting points in a report: more are no longer a start."""
TOLD = 6
"""Findings told in one story; the rest is counted."""
KEPT = 10
"""Findings that a starting point leads to."""
MOST_LOW = 2
"""Starting points made of low-priority findings, and only where nothing higher was found."""
CORROBORATION = 6.0
MOST_CORROBORATION = 18.0
"""Weight that each further finding about the same subject adds: the totality of small things tells."""


@dataclass
class _Point:
    """A starting point in the making; `lead` is its most telling finding."""

    lead: Fired
    members: list[Fired] = field(default_factory=list)

    @property
    def focus(self) -> str:
        return self.lead.draft.hosts[0] if self.lead.draft.hosts else self.lead.draft.subject

    @property
    def pair(self) -> frozenset[str]:
        return frozenset(self.lead.draft.hosts[:2])

    @property
    def rank(self) -> tuple[int, int, float, int]:
        priority, confidence, weight, frame = self.lead.rank
        loud = {f.rule.code for f in self.members if at_least(f.draft.priority, "medium")}
        more = min(MOST_CORROBORATION, CORROBORATION * max(0, len(loud) - 1))
        return (priority, confidence, weight - more, frame)

    def takes(self, each: Fired) -> bool:
        """Is a finding about the same subject: the same first host, or the same two hosts, or this host's peer?"""
        hosts = each.draft.hosts or (each.draft.subject,)
        if hosts[0] == self.focus:
            return True
        both = frozenset(hosts[:2])
        return len(both) == 2 and (both == self.pair or (self.focus in both and hosts[0] in self.lead.draft.hosts))


def starting_points(
    found: Sequence[Fired],
    findings: Mapping[str, Finding],
    packets: pl.DataFrame,
    named: Callable[[str], str],
    line_up: Callable[[Fired], LineUp | None],
) -> list[StartingPoint]:
    """At most MOST starting points from findings in rank order.

    `findings` maps the id of each finding to itself; `named` adds the name that the capture shows for an address;
    `line_up` puts the packets of the leading finding under each other.
    """
    loud = [f for f in found if at_least(f.draft.priority, "medium")]
    points: list[_Point] = []
    for each in loud or [f for f in found if f.draft.priority == "low"]:
        home = next((p for p in points if p.takes(each)), None)
        if home is None:
            points.append(_Point(each, [each]))
        else:
            home.members.append(each)
    points.sort(key=lambda p: p.rank)
    points = points[: MOST if loud else MOST_LOW]
    # What is quieter than the findings that made the points is told with them, where it is about the same subject.
    taken = {f.id for p in points for f in p.members}
    for each in found:
        if each.id not in taken:
            home = next((p for p in points if p.takes(each)), None)
            if home is not None:
                home.members.append(each)
    times = times_of((f for p in points for f in p.members), packets)
    return [_made(place + 1, p, findings, times, named, line_up) for place, p in enumerate(points)]


def _when(each: Fired, times: Mapping[int, float]) -> float | None:
    if each.draft.time is not None:
        return each.draft.time
    return times.get(min(each.draft.frames)) if len(each.draft.frames) else None


def _frames(each: Fired) -> str:
    frames = each.draft.frames
    if not len(frames):
        return ""
    first, last = min(frames), max(frames)
    number = len(set(frames))
    if number == 1:
        return f"frame {first}"
    if number == last - first + 1:
        return f"frames {first}-{last}"
    return f"{count(number, 'packet')} from frame {first} to {last}"


def _story(point: _Point, told: Sequence[Fired], times: Mapping[int, float], named: Callable[[str], str]) -> str:
    sentences = [f"Start with {named(point.focus)}."]
    in_time = sorted(told, key=lambda f: (_when(f, times) or 0.0, f.rank))
    for each in in_time:
        text = each.draft.sentence.strip().rstrip(".")
        sentences.append(f"At {clock(_when(each, times))} {text} ({_frames(each)})." if _frames(each) else f"{text}.")
    rest = len(point.members) - len(told)
    if rest > 0:
        sentences.append(
            f"{count(rest, 'further finding')} about the same hosts {verb(rest, 'is', 'are')} listed below."
        )
    return " ".join(sentences)


def _reason(place: int, point: _Point) -> str:
    lead = point.lead
    loud = [f for f in point.members if at_least(f.draft.priority, "medium")]
    where = "First" if place == 1 else f"Number {place}"
    how = f"{lead.draft.priority} priority with {lead.draft.confidence} confidence"
    text = f"{where} because {lead.rule.code} {lead.rule.name} is of {how}"
    others = list(dict.fromkeys(f.rule.name for f in loud if f is not lead and f.rule.code != lead.rule.code))
    if others:
        text += f", and {listed(others, 3)} {'points' if len(others) == 1 else 'point'} at the same hosts"
    if not loud:
        text += "; nothing of medium or high priority was found"
    return text + "."


def _made(
    place: int,
    point: _Point,
    findings: Mapping[str, Finding],
    times: Mapping[int, float],
    named: Callable[[str], str],
    line_up: Callable[[Fired], LineUp | None],
) -> StartingPoint:
    members = sorted(point.members, key=lambda f: f.rank)
    lead = point.lead
    # What is only for information, such as a VLAN tag, is listed but would make a louder story longer, not clearer.
    told = [f for f in members if f is lead or f.draft.priority != "info"][:TOLD]
    priority, confidence = lead.draft.priority, lead.draft.confidence
    for each in members:
        priority = higher(priority, each.draft.priority)
        if each.draft.priority == lead.draft.priority:
            confidence = surer(confidence, each.draft.confidence)
    titles = list(dict.fromkeys(findings[f.id].title for f in told))
    hosts = list(dict.fromkeys(h for f in told for h in f.draft.hosts))
    innocent = lead.rule.innocent[0]
    moments = [t for f in members if (t := _when(f, times)) is not None]
    ends = [times[max(f.draft.frames)] for f in members if len(f.draft.frames) and max(f.draft.frames) in times]
    finding = findings[lead.id]
    return StartingPoint(
        rank=place,
        subject=point.focus,
        hosts=hosts[:12],
        headline=f"{named(point.focus)}: {titles[0]}",
        story=_story(point, told, times, named),
        priority=priority,
        confidence=confidence,
        findings=[f.id for f in members[:KEPT]],
        why_here=_reason(place, point),
        harmless=f"{innocent.explanation} {innocent.tell_apart}",
        first_time=iso_time(min(moments)) if moments else None,
        last_time=iso_time(max(ends)) if ends else None,
        display_filter=finding.display_filter,
        matched_packets=finding.matched_packets,
        line_up=line_up(lead),
    )
