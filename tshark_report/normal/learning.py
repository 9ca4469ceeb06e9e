"""Captures -> a baseline: each is read, looked at by all rules, and learnt, unless something in it is loud."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tshark_report.errors import ReportError
from tshark_report.normal.facts import facts
from tshark_report.normal.learn import learnt
from tshark_report.normal.merge import merged, pruned
from tshark_report.normal.model import Baseline
from tshark_report.normal.said import said
from tshark_report.reading import Request, opened
from tshark_report.rules import ALL
from tshark_report.rules import base as rules
from tshark_report.story import allowed
from tshark_report.story.findings import fired
from tshark_report.story.words import listed

SUFFIXES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", ".cap.gz")
"""Files of a folder that are taken for captures."""

State = Literal["learnt", "known", "loud", "no home host", "failed"]


@dataclass(frozen=True)
class Step:
    """What became of one capture."""

    path: Path
    state: State
    words: str


def captures_in(paths: Sequence[Path]) -> list[Path]:
    """The captures that are named, and those in named folders at any depth, in order of their names."""
    made: list[Path] = []
    for path in paths:
        if path.is_dir():
            made += sorted(p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(SUFFIXES))
        else:
            made.append(path)
    return list(dict.fromkeys(made))


def learn(
    paths: Sequence[Path],
    request: Request,
    start: Baseline | None,
    *,
    trust: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[tuple[Step, Baseline | None]]:
    """Learn one capture after the other; after each, what became of it and the baseline so far.

    Args:
        paths: captures.
        request: settings and tshark for all of them; its capture is not read.
        start: a baseline to add to.
        trust: learn captures with findings of high priority too.
        now: the moment of learning.
    """
    made = start
    for path in paths:
        step, more = _one(path, request, set(made.captures) if made is not None else set(), trust, now())
        if more is not None:
            made = merged(made, more) if made is not None else pruned(more)
        yield step, made


def _one(path: Path, request: Request, known: set[str], trust: bool, now: datetime) -> tuple[Step, Baseline | None]:
    try:
        with opened(replace(request, capture=path)) as (loaded, *_):
            if loaded.capture.sha256 in known:
                return Step(path, "known", "learnt before, so it does not count twice"), None
            settings = request.settings
            found, _ = allowed.split(fired(list(rules.run(ALL, loaded.tables, settings))), settings)
            loud = [f for f in found if f.draft.priority == "high"]
            if loud and not trust:
                first = loud[0]
                return Step(
                    path, "loud", f"left out: {first.rule.code} {first.rule.name} about {first.draft.subject}"
                ), None
            these = facts(loaded.tables, settings)
            more = learnt(these, loaded.capture.sha256, said(found, these), now)
            if not more.hosts:
                return Step(path, "no home host", "no host of a home network sent anything"), None
            words = f"{loaded.tables.packets.height:,} packets, {len(more.hosts):,} home hosts"
            medium = list(dict.fromkeys(f"{f.rule.code} {f.rule.name}" for f in found if f.draft.priority == "medium"))
            if medium:
                words += f"; learnt as usual although of medium priority: {listed(medium, 4)}"
            return Step(path, "learnt", words), more
    except ReportError as error:
        return Step(path, "failed", f"{error.what}: {error.detail}" if error.detail else error.what), None
