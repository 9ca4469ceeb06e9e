"""A starting point's story as the course of events that it tells: one line for each time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tshark_report.report import formats

_NEXT = re.compile(r" (?=At \d\d:\d\d:\d\d )")
_STEP = re.compile(r"At (\d\d:\d\d:\d\d) (.+)", re.DOTALL)
_FRAMES = re.compile(r"\((?:[\d,]+ packets? from )?frames? (\d+)(?:(?:-| to )(\d+))?\)\.$")
_REST = re.compile(r"(.+?\.) (\d[\d,]* further findings? about the same hosts (?:is|are) listed below\.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Course:
    """`lead` says where to start, `steps` what happened at which time of day (UTC), `rest` what is not told."""

    lead: str
    steps: list[tuple[str, str]]
    rest: str


def course(story: str) -> Course:
    """The parts of a story as `story/starting_points.py` writes it; any other text is all lead."""
    lead, *parts = _NEXT.split(story)
    steps = [found.groups() for part in parts if (found := _STEP.fullmatch(part)) is not None]
    rest = ""
    if steps and (found := _REST.fullmatch(steps[-1][1])) is not None:
        steps[-1], rest = (steps[-1][0], found.group(1)), found.group(2)
    return Course(lead, [(at, text) for at, text in steps], rest)


def brief(whole: Course, longest: int, important: Sequence[tuple[int | None, int | None]]) -> Course:
    """No more than about `longest` characters of a course: the most important steps, still in their order.

    `important` holds first and last frame of the findings that it tells, the most important first.
    """
    if not whole.steps:
        return Course(formats.sentences(whole.lead, longest), [], whole.rest)
    sizes = [len(f"At {at} {text} ") for at, text in whole.steps]
    if len(whole.lead) + sum(sizes) <= longest:
        return whole
    places = {frames: place for place, frames in reversed(list(enumerate(important)))}
    by_rank = sorted(range(len(sizes)), key=lambda step: (places.get(_frames(whole.steps[step][1]), len(places)), step))
    kept, left = {by_rank[0]}, longest - len(whole.lead) - sizes[by_rank[0]]
    for step in by_rank[1:]:
        if sizes[step] <= left:
            kept.add(step)
            left -= sizes[step]
    steps = [(at, formats.sentences(text, longest)) for step, (at, text) in enumerate(whole.steps) if step in kept]
    more = len(sizes) - len(kept)
    told = f"{more} more {'step is' if more == 1 else 'steps are'} told in depth." if more else ""
    return Course(whole.lead, steps, " ".join(part for part in (told, whole.rest) if part))


def _frames(step: str) -> tuple[int | None, int | None]:
    """First and last frame of a step, as its end names them."""
    found = _FRAMES.search(step)
    return (int(found[1]), int(found[2] or found[1])) if found else (None, None)
