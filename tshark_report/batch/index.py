"""The index of a batch as data: every capture of the output, worst first, the failures, and what captures share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from tshark_report import __version__
from tshark_report.batch import place
from tshark_report.batch.across import Across
from tshark_report.batch.records import Failure, Paths, Record, Seen, Summary
from tshark_report.report.model import CONFIDENCES, PRIORITIES, Confidence, Priority

INDEX_VERSION = 1
_NONE = len(PRIORITIES)


class Lead(Record, frozen=True, kw_only=True):
    """A starting point as the index shows it."""

    headline: str
    priority: Priority
    confidence: Confidence


class Row(Record, frozen=True, kw_only=True):
    """One capture in the index."""

    rank: int = 0
    id: str
    path: str
    """Where it was found; `same` are further places of the same content."""
    same: list[str] = []
    report: str
    """The report to open, relative to the output."""
    sha256: str
    file_bytes: int
    packets: int
    first_time: str | None
    last_time: str | None
    duration_s: float
    truncated: bool
    headline: str
    layer: str
    worst: str
    findings: dict[str, int]
    starting_points: list[Lead]
    unchecked: int
    asked_for: list[str] = []
    """What was asked for and is in it, a few of `asked_total`; such captures come first."""
    asked_total: int = 0
    joined: int = 0
    """Files that were joined into this recording; 0 where it is a single file."""

    @property
    def order(self) -> tuple[object, ...]:
        """What was asked for first, then by the first starting point, then by how much more there is."""
        lead = self.starting_points[0] if self.starting_points else None
        counts = tuple(-self.findings.get(p, 0) for p in PRIORITIES[:3])
        return (
            not self.asked_total,
            PRIORITIES.index(lead.priority) if lead else _NONE,
            CONFIDENCES.index(lead.confidence) if lead else len(CONFIDENCES),
            counts,
            self.path,
        )


class Totals(Record, frozen=True, kw_only=True):
    """The whole output in numbers."""

    captures: int
    failed: int
    left: int
    """Captures that were not read yet when this was written: the batch was stopped, or goes on."""
    passed_over: int
    packets: int
    file_bytes: int
    first_time: str | None
    last_time: str | None
    by_priority: dict[str, int]
    """Captures by the priority of their worst finding; `none` for those without."""


@dataclass
class Index:
    """What the pages are made of."""

    rows: list[Row]
    failures: list[Failure]
    totals: Totals
    notes: list[str]
    across: Across
    tool: str = field(default_factory=lambda: f"tshark-report {__version__}")

    @cached_property
    def names(self) -> dict[str, str]:
        """Id of a capture -> the name under which it is shown."""
        base = self.below
        return {row.id: row.path[len(base) :] for row in self.rows}

    @cached_property
    def below(self) -> str:
        """The folder that all captures are in, with its last slash; "" where there is none."""
        paths = [row.path for row in self.rows] + [f.path for f in self.failures]
        if not paths:
            return ""
        common = os.path.commonprefix([p.rpartition("/")[0] + "/" if "/" in p else "" for p in paths])
        return common[: common.rfind("/") + 1]


def reports(output: place.Place) -> Iterator[tuple[str, Summary, dict[str, str], list[Seen]]]:
    """Every whole report of an output, one at a time: folder, summary, places of its content, values."""
    for name in output.listing(place.REPORTS):
        folder = f"{place.REPORTS}/{name}"
        try:
            if (data := output.read(f"{folder}/{place.SUMMARY}")) is None:
                continue
            summary = msgspec.json.decode(data, type=Summary)
            paths = output.read(f"{folder}/{place.PATHS}")
            values = output.read(f"{folder}/{place.SEEN}")
            yield (
                name,
                summary,
                dict(msgspec.json.decode(paths, type=Paths).at) if paths else {},
                msgspec.json.decode(values, type=list[Seen]) if values else [],
            )
        except msgspec.MsgspecError:
            continue  # not ours, or of another version: it is made again by the next run


def failures(output: place.Place) -> list[Failure]:
    """The failures that an output lists, by path."""
    found = []
    for name in output.listing(place.FAILURES):
        try:
            if data := output.read(f"{place.FAILURES}/{name}"):
                found.append(msgspec.json.decode(data, type=Failure))
        except msgspec.MsgspecError:
            continue
    return sorted(found, key=lambda f: f.path)


def gather(output: place.Place, across: Across, *, left: int = 0, passed_over: int = 0, notes: list[str]) -> Index:
    """Read the whole output, a capture at a time."""
    rows: list[Row] = []
    for name, summary, paths, values in reports(output):
        across.add(summary, values)
        rows.append(_row(name, summary, paths))
    across.ready()
    rows.sort(key=lambda r: r.order)
    rows = [msgspec.structs.replace(row, rank=rank) for rank, row in enumerate(rows, 1)]
    failed = failures(output)
    return Index(rows, failed, _totals(rows, failed, left, passed_over), notes, across)


def _row(name: str, summary: Summary, paths: dict[str, str]) -> Row:
    first = summary.parts[0].path if summary.parts else min(paths, default=summary.file_name)
    page = next((f for f in summary.files if f.endswith((".html", ".pdf"))), summary.files[0] if summary.files else "")
    return Row(
        id=summary.id,
        path=first,
        same=[] if summary.parts else sorted(set(paths) - {first}),
        report=f"{place.REPORTS}/{name}/{page}",
        sha256=summary.sha256,
        file_bytes=summary.file_bytes,
        packets=summary.packets,
        first_time=summary.first_time,
        last_time=summary.last_time,
        duration_s=summary.duration_s,
        truncated=summary.truncated,
        headline=summary.headline,
        layer=summary.layer,
        worst=summary.worst or "none",
        findings=summary.findings,
        starting_points=[
            Lead(headline=p.headline, priority=p.priority, confidence=p.confidence) for p in summary.points[:3]
        ],
        unchecked=summary.unchecked,
        asked_for=summary.asked_for,
        asked_total=summary.asked_total,
        joined=len(summary.parts),
    )


def _totals(rows: list[Row], failed: list[Failure], left: int, passed_over: int) -> Totals:
    by: dict[str, int] = {}
    for row in rows:
        by[row.worst] = by.get(row.worst, 0) + 1
    return Totals(
        captures=len(rows),
        failed=len(failed),
        left=left,
        passed_over=passed_over,
        packets=sum(r.packets for r in rows),
        file_bytes=sum(r.file_bytes for r in rows),
        first_time=min((r.first_time for r in rows if r.first_time), default=None),
        last_time=max((r.last_time for r in rows if r.last_time), default=None),
        by_priority={p: by[p] for p in (*PRIORITIES, "none") if p in by},
    )
