"""A baseline as one HTML page with pictures: no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tshark_report.normal import pictures, show
from tshark_report.normal.model import Baseline, Bins, Profile, Traffic
from tshark_report.report import templates as template_files
from tshark_report.report.escape import visible
from tshark_report.report.sheet import styled
from tshark_report.story.words import count, size, took, verb

IN_FULL = 60
"""Hosts with a part of their own on the page; the terminal shows any one of them."""
ROWS = 40


@dataclass(frozen=True)
class Rows:
    """A table of texts."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int


@dataclass(frozen=True)
class Part:
    """One network or host on the page."""

    name: str
    kind: str
    anchor: str
    facts: Sequence[str]
    pictures: Sequence[tuple[str, Markup]]
    tables: Sequence[Rows]


def page(baseline: Baseline, name: str, profiles: Mapping[str, Profile]) -> str:
    """The whole page.

    Raises:
        RenderFailed: the installation lacks its templates.
    """
    kept = list(profiles.items())[:IN_FULL]
    context: dict[str, object] = {
        **styled(),
        "name": visible(name),
        "head": [visible(line) for line in show.head(baseline)],
        "home": baseline.home,
        "tool": baseline.tool,
        "created": baseline.created,
        "parts": [_part(baseline, each, profile, at) for at, (each, profile) in enumerate(kept)],
        "left_out": len(profiles) - len(kept),
    }
    return template_files.fill("baseline.html.j2", None, context)


def _part(baseline: Baseline, name: str, profile: Profile, at: int) -> Part:
    network = name in baseline.networks
    drawn = [
        ("When sessions were started: captures by hour of the day (UTC). Grey: hours that the captures cover.",
         pictures.hours_of_day(profile.hours, baseline.hours, f"hours-{at}")),
        ("Services used, by sessions.",
         pictures.bars(_sessions(profile.used), f"used-{at}", "Services used", "sessions")),
        ("Services offered, by sessions.",
         pictures.bars(_sessions(profile.offered), f"offered-{at}", "Services offered", "sessions")),
        ("Places reached, by sessions.",
         pictures.bars(_sessions({**profile.domains, **profile.peers}), f"places-{at}", "Places reached", "sessions")),
        ("Bytes sent in one session: 5 % to 95 %, the dot is the median; logarithmic.",
         pictures.spreads(_bins(profile, "up"), f"up-{at}", "Bytes sent in one session", size)),
        ("Bytes received in one session.",
         pictures.spreads(_bins(profile, "down"), f"down-{at}", "Bytes received in one session", size)),
        ("Length of a session.",
         pictures.spreads(_bins(profile, "seconds"), f"long-{at}", "Length of a session", took)),
        ("From the start of one session to the next of the same pair.",
         pictures.spreads(_bins(profile, "interval"), f"interval-{at}", "Intervals", took)),
        ("Round trip of the handshake.", pictures.spreads(_bins(profile, "rtt"), f"rtt-{at}", "Round trip", took)),
        ("Time that servers took for an answer, without the wire.",
         pictures.spreads(_bins(profile, "think"), f"think-{at}", "Time for an answer", took)),
    ]  # fmt: skip
    facts = [f"{count(profile.captures, 'capture')}, {show.span(profile.first, profile.last)}"]
    minute = show.per_minute(profile)
    if minute:
        facts.append(minute)
    if profile.macs:
        facts.append(f"hardware address {', '.join(sorted(profile.macs))}")
    if profile.ttl:
        facts.append(f"TTL {', '.join(sorted(profile.ttl, key=int))}")
    if profile.ip_id:
        facts.append(f"IP ID {', '.join(sorted(profile.ip_id))}")
    if profile.left_out:
        facts.append(
            f"{count(profile.left_out, 'rare entry', 'rare entries')} {verb(profile.left_out, 'was', 'were')} left out"
        )
    return Part(
        visible(name), "Network" if network else "Host", f"part-{at}", [visible(f) for f in facts],
        [(words, picture) for words, picture in drawn if picture is not None], _tables(profile),
    )  # fmt: skip


def _sessions(table: Mapping[str, Traffic]) -> list[tuple[str, int]]:
    return [(visible(key), one.sessions) for key, one in show.busiest(table)]


def _bins(profile: Profile, field: str) -> list[tuple[str, Bins]]:
    rows = [*show.busiest(profile.domains), *show.busiest(profile.peers), *show.busiest(profile.offered)]
    rows.sort(key=lambda item: -item[1].sessions)
    return [(visible(key), getattr(one, field)) for key, one in rows if one.sessions]


def _tables(profile: Profile) -> list[Rows]:
    made = []
    for title, table in (
        ("Offers", profile.offered), ("Uses", profile.used), ("Reaches by name", profile.domains),
        ("Reaches by address", profile.peers),
    ):  # fmt: skip
        cells = [show.traffic_cells(key, one) for key, one in show.busiest(table)]
        made.append(_rows(title, ("", *show.TRAFFIC_HEADS), cells))
    names = sorted(profile.names.items(), key=lambda item: -item[1].queries)
    made.append(_rows("Asks for", ("", "queries", "failures", "TTL"), [show.name_cells(k, n) for k, n in names]))
    for title, counts in (
        ("User agents", profile.agents), ("JA3", profile.ja3), ("JA4", profile.ja4),
        ("Certificate issuers", profile.issuers), ("Findings while learning", profile.findings),
    ):  # fmt: skip
        every = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        made.append(_rows(title, ("", "captures"), [[key, f"{number:,}"] for key, number in every]))
    return [one for one in made if one.rows]


def _rows(title: str, heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Rows:
    return Rows(title, heads, [[visible(cell) for cell in row] for row in cells[:ROWS]], len(cells))
