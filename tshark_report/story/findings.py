"""Drafts -> findings: identity, times, the filter's own count, and a command to reproduce it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tshark_report.report.model import CONFIDENCES, PRIORITIES, Confidence, Finding, Priority
from tshark_report.rules.base import Draft, Outcome, Rule
from tshark_report.story.words import iso_time

FRAMES_KEPT = 200
"""Frame numbers that a finding carries; the filter selects them all."""

_PRIORITY_ORDER = {priority: place for place, priority in enumerate(PRIORITIES)}
_CONFIDENCE_ORDER = {confidence: place for place, confidence in enumerate(CONFIDENCES)}


@dataclass(frozen=True)
class Fired:
    """A draft with its rule, ranked among all others."""

    rule: Rule
    draft: Draft

    @property
    def id(self) -> str:
        """Stable over runs: made of code and subject."""
        digest = hashlib.sha256(f"{self.rule.code}\x00{self.draft.subject}".encode()).hexdigest()[:8]
        return f"{self.rule.code}-{digest}"

    @property
    def rank(self) -> tuple[int, int, float, int]:
        """Sorts what an analyst would open first to the front: priority, confidence, weight, first frame."""
        first = min(self.draft.frames, default=0)
        weight = self.rule.weight + self.draft.weight
        return (_PRIORITY_ORDER[self.draft.priority], _CONFIDENCE_ORDER[self.draft.confidence], -weight, first)


def fired(outcomes: Sequence[Outcome]) -> list[Fired]:
    """All drafts of all rules, most telling first."""
    return sorted((Fired(o.rule, d) for o in outcomes for d in o.drafts), key=lambda f: f.rank)


def to_findings(
    found: Sequence[Fired],
    packets: pl.DataFrame,
    counts: Mapping[str, int],
    capture_name: str,
) -> list[Finding]:
    """Findings in rank order. `counts` holds, for each display filter that tshark ran, the packets it selected."""
    times = times_of(found, packets)
    return [_finding(each, times, counts, capture_name) for each in found]


def times_of(found: Iterable[Fired], packets: pl.DataFrame) -> dict[int, float]:
    """Times of the first and the last frame of each finding, by frame; seconds since 1970 UTC."""
    wanted = {n for f in found for n in _ends(f.draft.frames)}
    rows = packets.filter(pl.col("frame").is_in(list(wanted))).select("frame", "time")
    return dict(rows.iter_rows())


def _ends(frames: Sequence[int]) -> tuple[int, ...]:
    return (min(frames), max(frames)) if len(frames) else ()


def _finding(each: Fired, times: Mapping[int, float], counts: Mapping[str, int], capture_name: str) -> Finding:
    rule, draft = each.rule, each.draft
    frames = sorted(set(draft.frames))
    first, last = (frames[0], frames[-1]) if frames else (None, None)
    # An empty filter selects every packet: that is what the finding is about.
    selected = counts.get(draft.display_filter)
    return Finding(
        id=each.id,
        code=rule.code,
        name=rule.name,
        question=rule.question,
        title=draft.title or rule.title,
        subject=draft.subject,
        hosts=list(draft.hosts),
        summary=draft.summary,
        priority=draft.priority,
        confidence=draft.confidence,
        display_filter=draft.display_filter,
        matched_packets=len(frames) if selected is None else selected,
        filter_checked=selected == len(frames),
        first_frame=first,
        last_frame=last,
        first_time=iso_time(times.get(first)) if first is not None else None,
        last_time=iso_time(times.get(last)) if last is not None else None,
        frames=frames[:FRAMES_KEPT],
        evidence=draft.evidence,
        why=rule.why,
        innocent=list(rule.innocent),
        confirm=list(rule.confirm),
        reproduce=shlex.join(["tshark", "-n", "-r", capture_name, "-Y", draft.display_filter]),
        references=list(rule.references),
        lowered_because=draft.lowered_because,
    )


def higher(a: Priority, b: Priority) -> Priority:
    """The more urgent of two priorities."""
    return a if _PRIORITY_ORDER[a] <= _PRIORITY_ORDER[b] else b


def surer(a: Confidence, b: Confidence) -> Confidence:
    """The higher of two confidences."""
    return a if _CONFIDENCE_ORDER[a] <= _CONFIDENCE_ORDER[b] else b


def at_least(priority: Priority, bar: Priority) -> bool:
    """True where `priority` is as urgent as `bar`, or more."""
    return _PRIORITY_ORDER[priority] <= _PRIORITY_ORDER[bar]
