"""What turns up in more than one capture: values, and hosts that are starting points again and again.

Everything goes through a database in a temporary file, so that ten thousand captures need no more memory than ten.
"""

from __future__ import annotations

import ipaddress
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tshark_report import scratch
from tshark_report.batch.records import KINDS, Kind, Point, Record, Seen, Summary
from tshark_report.report.formats import clock_span, parse_time, plural, to_second
from tshark_report.report.model import PRIORITIES
from tshark_report.story.words import iso_time

CAPTURES_NAMED = 6
"""Captures that are named for one value; the rest is counted."""
TOLD = 12
"""Captures told in one story."""
STORIES = 100
"""Stories that are made."""
_NONE = len(PRIORITIES)

KIND_WORDS: dict[Kind, str] = {
    "indicator": "Indicators of findings",
    "sha256": "Files, by SHA-256",
    "certificate": "Certificates",
    "user-agent": "User agents",
    "name": "Names",
    "host": "Hosts",
}


class Shared(Record, frozen=True, kw_only=True):
    """A value that more than one capture holds."""

    kind: Kind
    value: str
    captures: int
    packets: int
    priority: str
    """Highest priority of a finding about it, in any of the captures; empty where none is."""
    first_time: str
    first_capture: str
    """Id of the capture in which it is seen first."""
    last_time: str
    last_capture: str
    ids: list[str]
    """Captures in the order of time, at most a few."""


class Chapter(Record, frozen=True, kw_only=True):
    """What one capture tells in a story."""

    id: str
    time: str | None
    headline: str
    story: str
    priority: str
    rank: int


class Story(Record, frozen=True, kw_only=True):
    """One host that is a starting point in several captures, told over all of them in the order of time."""

    host: str
    mac: str
    captures: int
    priority: str
    first_time: str | None
    last_time: str | None
    text: str
    note: str
    chapters: list[Chapter]


@dataclass
class Across:
    """Fed with one capture after the other, then asked."""

    def __enter__(self) -> Self:
        self._folder = ExitStack()
        self._base = sqlite3.connect(self._folder.enter_context(scratch.folder()) / "across", isolation_level=None)
        self._base.executescript(
            """
            pragma journal_mode = off; pragma synchronous = off;
            create table seen
                (kind integer, value text, id text, first real, last real, packets integer, priority integer);
            create table points (subject text, id text, time text, priority integer, rank integer, point blob);
            """
        )
        self._base.execute("begin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()
        self._folder.close()

    def add(self, summary: Summary, values: list[Seen]) -> None:
        """Take in a capture."""
        import msgspec

        places = {priority: place for place, priority in enumerate(PRIORITIES)}
        self._base.executemany(
            "insert into seen values (?, ?, ?, ?, ?, ?, ?)",
            (
                (KINDS.index(v.kind), v.value, summary.id, v.first, v.last, v.packets, places.get(v.priority, _NONE))  # type: ignore[call-overload]
                for v in values
            ),
        )
        self._base.executemany(
            "insert into points values (?, ?, ?, ?, ?, ?)",
            (
                (
                    f"{p.host}\x00{p.mac if p.home else ''}", summary.id, p.first_time or summary.first_time or "",
                    places[p.priority], p.rank, msgspec.json.encode(p),
                )
                for p in summary.points
                if not _is_loopback(p.host)
            ),
        )  # fmt: skip

    def ready(self) -> None:
        """All captures are in: sort."""
        self._base.execute("commit")
        self._base.execute("create index by_value on seen (kind, value)")
        self._base.execute("create index by_host on points (subject)")

    def totals(self) -> dict[Kind, int]:
        """For each kind the number of values that more than one capture holds."""
        rows = self._base.execute(
            """select kind, count(*) from
            (select kind from seen group by kind, value having count(distinct id) > 1) group by kind"""
        )
        return {KINDS[kind]: number for kind, number in rows}

    def shared(self, kind: Kind | None = None, limit: int = -1) -> Iterator[Shared]:
        """Values that more than one capture holds: those with findings first, then by the number of captures."""
        rows = self._base.execute(
            f"""select kind, value, count(distinct id) as captures, sum(packets), min(priority) as worst,
            min(first), max(last)
            from seen {"where kind = ?" if kind else ""} group by kind, value having captures > 1
            order by worst, {"" if kind else "kind,"} captures desc, value limit ?""",  # noqa: S608 - no text from outside
            (*((KINDS.index(kind),) if kind else ()), limit),
        )
        for number, value, captures, packets, worst, first, last in rows:
            held = self._base.execute(
                "select id from seen where kind = ? and value = ? order by first, id limit ?",
                (number, value, CAPTURES_NAMED),
            ).fetchall()
            latest = self._base.execute(
                "select id from seen where kind = ? and value = ? order by last desc, id limit 1", (number, value)
            ).fetchone()
            yield Shared(
                kind=KINDS[number],
                value=value,
                captures=captures,
                packets=packets,
                priority=PRIORITIES[worst] if worst < _NONE else "",
                first_time=iso_time(first) or "",
                first_capture=held[0][0],
                last_time=iso_time(last) or "",
                last_capture=latest[0],
                ids=[row[0] for row in held],
            )

    def stories(self, names: dict[str, str], limit: int = STORIES) -> list[Story]:
        """Hosts that are starting points in several captures, worst first. `names` maps a capture's id to its name."""
        found = self._base.execute(
            """select subject, count(distinct id) as captures, min(priority) as worst from points
            group by subject having captures > 1 order by worst, captures desc, subject limit ?""",
            (limit,),
        ).fetchall()
        return [self._story(subject, captures, worst, names) for subject, captures, worst in found]

    def _story(self, subject: str, captures: int, worst: int, names: dict[str, str]) -> Story:
        import msgspec

        host, _, mac = subject.partition("\x00")
        rows = self._base.execute(
            "select id, time, point from points where subject = ? order by time, id, rank", (subject,)
        ).fetchall()
        points = [(identity, msgspec.json.decode(data, type=Point)) for identity, _, data in rows]
        chapters = [
            Chapter(
                id=identity, time=p.first_time, headline=_without(p), story=p.story, priority=p.priority, rank=p.rank
            )
            for identity, p in points
        ]
        ends = sorted(t for _, p in points for t in (p.first_time, p.last_time) if t and parse_time(t))
        first, last = (ends[0], ends[-1]) if ends else (None, None)
        return Story(
            host=host,
            mac=mac,
            captures=captures,
            priority=PRIORITIES[worst],
            first_time=first,
            last_time=last,
            text=_text(host, captures, first, last, chapters, names),
            note=_note(mac, any(p.home for _, p in points)),
            chapters=chapters[:TOLD],
        )


def _without(point: Point) -> str:
    """A headline without the host, whom the story is about."""
    return re.sub(rf"^{re.escape(point.host)}( \([^)]*\))?: ", "", point.headline)


def _text(
    host: str, captures: int, first: str | None, last: str | None, chapters: list[Chapter], names: dict[str, str]
) -> str:
    sentences = [
        f"{host} is a starting point in {plural(captures, 'capture')}, {clock_span(first, last, one_day=False)}."
    ]
    told = 0
    at = 0
    while at < len(chapters) and told < TOLD:
        one = chapters[at]
        same = at + 1
        while same < len(chapters) and chapters[same].headline == one.headline:
            same += 1
        more = len({c.id for c in chapters[at:same]} - {one.id})
        headline = one.headline.rstrip(".")
        also = f", and again in {plural(more, 'later capture')}" if more else ""
        sentences.append(f"{to_second(one.time)}: {headline} ({names.get(one.id, one.id)}{also}).")
        told += 1
        at = same
    if at < len(chapters):
        sentences.append(
            f"{plural(len(chapters) - at, 'more starting point')} about it are in the captures' own reports."
        )
    return " ".join(sentences)


def _is_loopback(host: str) -> bool:
    """Every machine calls itself so: it is another one in every capture."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _note(mac: str, home: bool) -> str:
    if not home:
        return ""
    if mac:
        return f"A home address, with the MAC address {mac} in each of these captures."
    return "A home address: in captures of different networks it may be another machine each time."
