"""Two baselines -> one, as if all captures had been learnt together. The captures are not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tshark_report.normal import amounts
from tshark_report.normal.model import Baseline, Bins, Name, Profile, Traffic, replaced

T = TypeVar("T", Traffic, Name, Profile)

MOST_HOSTS = 5_000
MOST_NETWORKS = 500
MOST_OF_HOST = 500
"""Entries of each table of a host; the rarest go first, and are counted."""
MOST_OF_NETWORK = 5_000


def merged(a: Baseline, b: Baseline) -> Baseline:
    """Both together; a capture that both know must be left out by the caller, who can say so."""
    learnt = frozenset(a.captures)
    both: Baseline = replaced(
        b,
        created=max(a.created, b.created),
        home=list(dict.fromkeys([*a.home, *b.home])),
        captures=[*a.captures, *(c for c in b.captures if c not in learnt)],
        first=_first(a.first, b.first),
        last=max(a.last, b.last),
        packets=a.packets + b.packets,
        seconds=round(a.seconds + b.seconds, 3),
        hours=_added(a.hours, b.hours),
        networks=_each(a.networks, b.networks, _profiles),
        hosts=_each(a.hosts, b.hosts, _profiles),
    )
    return pruned(both)


def together(parts: Iterable[Baseline]) -> Baseline:
    """All of them."""
    made: Baseline | None = None
    for part in parts:
        made = part if made is None else merged(made, part)
    return pruned(made) if made is not None else Baseline()


def pruned(one: Baseline) -> Baseline:
    """The tables cut to their limits, so that a baseline stays small whatever was learnt."""
    hosts = {name: _cut(profile, MOST_OF_HOST) for name, profile in one.hosts.items()}
    networks = {name: _cut(profile, MOST_OF_NETWORK) for name, profile in one.networks.items()}
    # By name where they are as frequent: which of them stay must not depend on the order of learning.
    kept = sorted(hosts.items(), key=lambda item: (-item[1].captures, item[0]))[:MOST_HOSTS]
    kept_networks = sorted(networks.items(), key=lambda item: (-item[1].captures, item[0]))[:MOST_NETWORKS]
    made: Baseline = replaced(one, hosts=dict(sorted(kept)), networks=dict(sorted(kept_networks)))
    return made


def _first(a: str, b: str) -> str:
    return min((text for text in (a, b) if text), default="")


def _added(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {key: a.get(key, 0) + b.get(key, 0) for key in {**a, **b}}


def _each(a: dict[str, T], b: dict[str, T], both: Callable[[T, T], T]) -> dict[str, T]:
    return {**a, **{key: both(a[key], other) if key in a else other for key, other in b.items()}}


def _fields(a: Any, b: Any) -> dict[str, Any]:
    """Counts added and bins merged, field by field; what is neither is left to the caller."""
    made: dict[str, Any] = {}
    for name in type(a).__struct_fields__:
        one, other = getattr(a, name), getattr(b, name)
        if isinstance(one, Bins):
            made[name] = amounts.merged(one, other)
        elif isinstance(one, int | float):
            made[name] = round(one + other, 3)
    return made


def _traffic(a: Traffic, b: Traffic) -> Traffic:
    return Traffic(**_fields(a, b))


def _name(a: Name, b: Name) -> Name:
    return Name(**_fields(a, b))


def _profiles(a: Profile, b: Profile) -> Profile:
    made = _fields(a, b)
    made["first"], made["last"] = _first(a.first, b.first), max(a.last, b.last)
    for name in Profile.__struct_fields__:
        one, other = getattr(a, name), getattr(b, name)
        if not isinstance(one, dict):
            continue
        if name in ("offered", "used", "peers", "domains"):
            made[name] = _each(one, other, _traffic)
        elif name in ("names", "lookups"):
            made[name] = _each(one, other, _name)
        else:
            made[name] = _added(one, other)
    return Profile(**made)


def _weight(value: Traffic | Name | int) -> tuple[int, int]:
    """How much an entry was seen, so that the rarest go first."""
    if isinstance(value, Traffic):
        return value.captures, value.sessions
    return (value.queries, 0) if isinstance(value, Name) else (value, 0)


def _cut(profile: Profile, most: int) -> Profile:
    changes: dict[str, Any] = {}
    dropped = 0
    for name in Profile.__struct_fields__:
        table = getattr(profile, name)
        if isinstance(table, dict) and len(table) > most:
            by_name = sorted(table.items())
            changes[name] = dict(sorted(by_name, key=lambda item: _weight(item[1]), reverse=True)[:most])
            dropped += len(table) - most
    if not changes:
        return profile
    made: Profile = replaced(profile, **changes, left_out=profile.left_out + dropped)
    return made
