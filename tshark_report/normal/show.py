"""A baseline in words and numbers, for the terminal, for other programs, and for the page with pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tshark_report.errors import UsageError
from tshark_report.normal import amounts
from tshark_report.normal.model import Baseline, Bins, Name, Profile, Traffic
from tshark_report.story.words import count, duration, listed, size, took

SHOWN = 12
"""Entries of a table on the terminal, unless one host was asked for."""
SHARES = {"median": 0.5, "p95": 0.95, "largest": 1.0}
"""Quantiles that stand for the bins."""

MEASURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("up", "sent in a session", size),
    ("down", "received in a session", size),
    ("seconds", "length of a session", took),
    ("interval", "from one session to the next", took),
    ("rtt", "round trip", took),
    ("think", "time for an answer", took),
)
"""Fields of Traffic, what they measure, and how a value is written."""


def chosen(baseline: Baseline, wanted: str) -> dict[str, Profile]:
    """The profiles to show: one host or network, or all networks and then all hosts.

    Raises:
        UsageError: the baseline knows no such host or network.
    """
    every = {**baseline.networks, **baseline.hosts}
    if not wanted:
        return every
    if wanted not in every:
        raise UsageError(
            "the baseline does not know this host or network",
            detail=wanted,
            causes=("it sent nothing in the captures that were learnt",),
            next_step=f"it knows, for example, {listed(list(every), 4)}",
        )
    return {wanted: every[wanted]}


def quantiles(bins: Bins) -> dict[str, float]:
    """Median, 95 % and largest value, three digits each; empty where nothing was counted."""
    made = {name: amounts.quantile(bins, share) for name, share in SHARES.items()}
    return {name: float(f"{value:.3g}") for name, value in made.items() if value is not None}


def as_json(baseline: Baseline, profiles: Mapping[str, Profile]) -> str:
    """The baseline with quantiles in place of bins."""
    made = {
        "schema_version": baseline.schema_version,
        "tool": baseline.tool,
        "created": baseline.created,
        "home": baseline.home,
        "captures": len(baseline.captures),
        "first": baseline.first,
        "last": baseline.last,
        "profiles": {name: _plain(profile) for name, profile in profiles.items()},
    }
    return msgspec.json.format(msgspec.json.encode(made)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Bins):
        return {"values": amounts.count(value), **quantiles(value)}
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def head(baseline: Baseline) -> list[str]:
    """What the baseline is, in one or two sentences."""
    return [
        f"Learnt from {count(len(baseline.captures), 'capture')}, {count(baseline.packets, 'packet')}, "
        f"{duration(baseline.seconds)} in all, {span(baseline.first, baseline.last)}.",
        f"{count(len(baseline.networks), 'home network')}, {count(len(baseline.hosts), 'host')}; "
        f"hours of the day covered (UTC): {hours(baseline.hours) or 'none'}.",
    ]


def span(first: str, last: str) -> str:
    """From when to when, to the minute."""
    return f"{first[:16].replace('T', ' ')} to {last[:16].replace('T', ' ')} UTC"


def hours(counts: Mapping[str, int]) -> str:
    """`8-11, 14` of the hours that are there."""
    known = sorted({int(h) for h in counts if h.isdigit() and int(h) < 24})
    parts: list[list[int]] = []
    for hour in known:
        if parts and hour == parts[-1][1] + 1:
            parts[-1][1] = hour
        else:
            parts.append([hour, hour])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)


def per_minute(profile: Profile) -> str:
    """What goes to and comes from the outside in a minute with any of it: median and 95 %; "" where nothing does."""
    parts = []
    for words, bins, write in (
        ("sent", profile.up_minute, size), ("received", profile.down_minute, size),
        ("sessions", profile.sessions_minute, lambda v: f"{v:.0f}"),
    ):  # fmt: skip
        middle, high = amounts.median(bins), amounts.quantile(bins, 0.95)
        if middle is not None and high is not None:
            parts.append(f"{words} {write(middle)} / {write(high)}")
    return f"with the outside in a minute (median / 95 %): {', '.join(parts)}" if parts else ""


def busiest(table: Mapping[str, Traffic]) -> list[tuple[str, Traffic]]:
    """Entries with most sessions first."""
    return sorted(table.items(), key=lambda item: (-item[1].sessions, -item[1].failed, item[0]))


def traffic_cells(key: str, one: Traffic) -> list[str]:
    """One line of a table of traffic: `-` where nothing was measured."""
    cells = [key, f"{one.sessions:,}", f"{one.failed:,}"]
    for name, _, write in MEASURES:
        bins: Bins = getattr(one, name)
        middle, high = amounts.median(bins), amounts.quantile(bins, 0.95)
        cells.append("-" if middle is None or high is None else f"{write(middle)} / {write(high)}")
    lost = f"{100 * one.resent / one.packets:.2g} %" if one.packets and one.resent else "0"
    return [*cells, lost, f"{one.resets:,}"]


TRAFFIC_HEADS = ("sessions", "failed", *(words for _, words, _ in MEASURES), "sent again", "resets")
"""Columns of traffic tables behind the key; times and sizes are median / 95 %."""


def name_cells(key: str, one: Name) -> list[str]:
    """One line of a table of names."""
    low, high = amounts.quantile(one.ttl, 0.0), amounts.largest(one.ttl)
    ttl = "-" if low is None or high is None else f"{low:.0f} to {high:.0f} s"
    return [key, f"{one.queries:,}", f"{one.failures:,}", ttl]


def lines(baseline: Baseline, profiles: Mapping[str, Profile], *, whole: bool) -> Iterator[str]:
    """The baseline for a terminal; `whole` shows every entry of the profiles."""
    yield from head(baseline)
    for name, profile in profiles.items():
        yield ""
        kind = "network" if name in baseline.networks else "host"
        macs = f", hardware address {listed(sorted(profile.macs), 2)}" if profile.macs else ""
        active = f"active at {hours(profile.hours)} UTC" if profile.hours else "started no session"
        yield f"{kind} {name}: {count(profile.captures, 'capture')}, {active}{macs}"
        minute = per_minute(profile)
        if minute:
            yield f"  {minute}"
        if kind == "host" and not whole and len(profiles) > 1:
            yield from _brief(profile)
            continue
        most = None if whole else SHOWN
        for title, table in (
            ("offers", profile.offered), ("uses", profile.used), ("reaches by name", profile.domains),
            ("reaches by address", profile.peers),
        ):  # fmt: skip
            rows = [traffic_cells(key, one) for key, one in busiest(table)]
            yield from _table(title, TRAFFIC_HEADS, rows, most)
        names = sorted(profile.names.items(), key=lambda item: -item[1].queries)
        yield from _table("asks for", ("queries", "failures", "TTL"), [name_cells(k, n) for k, n in names], most)
        for title, counts in (
            ("user agents", profile.agents), ("JA3", profile.ja3), ("JA4", profile.ja4),
            ("certificate issuers", profile.issuers), ("TTL of packets", profile.ttl), ("IP ID", profile.ip_id),
            ("findings while learning", profile.findings),
        ):  # fmt: skip
            every = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            yield from _table(title, ("captures",), [[key, f"{number:,}"] for key, number in every], most)


def _brief(profile: Profile) -> Iterator[str]:
    for title, table in (("offers", profile.offered), ("uses", profile.used)):
        known = [key for key, one in busiest(table) if one.sessions]
        if known:
            yield f"  {title} {listed(known, 8)}"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], most: int | None) -> Iterator[str]:
    """Rows under their headings; at most `most` of them, None for all."""
    if not rows:
        return
    shown = [[title, *heads], *rows[:most]]
    widths = [max(len(row[at]) for row in shown) for at in range(len(heads) + 1)]
    for row in shown:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  " + "  ".join(cells).rstrip()
    if most is not None and len(rows) > most:
        yield f"  and {len(rows) - most:,} more: --host shows all"
