"""A starting point's story as the course of events that it tells: one line for each time."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NEXT = re.compile(r" (?=At \d\d:\d\d:\d\d )")
_STEP = re.compile(r"At (\d\d:\d\d:\d\d) (.+)", re.DOTALL)
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
