"""A capture held against what was expected: missing, unexpected, different, as expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from tshark_report.errors import ReportError
from tshark_report.expect.model import Expectations, Expected, fits, load
from tshark_report.expect.observe import Host, Seen, observed
from tshark_report.normal.facts import facts
from tshark_report.report.model import ExpectedRow, ExpectedView
from tshark_report.rules import filters
from tshark_report.settings import Settings
from tshark_report.story.words import count, listed, verb
from tshark_report.tables.tables import Tables

ROWS_KEPT = 300
Verdict = Literal["as expected", "missing", "unexpected", "different"]
_ORDER = {"unexpected": 0, "different": 1, "missing": 2, "as expected": 3}
LISTS: tuple[Literal["offers", "uses", "reaches"], ...] = ("offers", "uses", "reaches")
"""The lists of an entry, by their names in the file, in an observed host, and in the report."""


def checked(path: Path, tables: Tables, settings: Settings) -> ExpectedView:
    """Expected against observed; a file that cannot be used is told, never an error."""
    try:
        wanted = load(path)
    except ReportError as error:
        why = f"{error.what}: {error.detail}" if error.detail else error.what
        return ExpectedView(file_name=path.name, problem=why, sentence=f"Nothing was compared: {why}.")
    hosts = observed(tables, settings)
    rows = list(_rows(wanted, hosts))
    rows.sort(key=lambda r: _ORDER[r.verdict])
    kinds = Counter(row.verdict for row in rows)
    return ExpectedView(
        file_name=path.name,
        sentence=_sentence(path, wanted, kinds, rows) + _not_looked_at(len(hosts), tables, settings),
        rows=rows[:ROWS_KEPT],
        rows_total=len(rows),
        as_expected=kinds["as expected"],
        missing=kinds["missing"],
        unexpected=kinds["unexpected"],
        different=kinds["different"],
    )


def _sentence(path: Path, wanted: Expectations, kinds: Mapping[Verdict, int], rows: Iterable[ExpectedRow]) -> str:
    head = f"Against {path.name} with {count(len(wanted.hosts), 'host')}"
    differing = [row for row in rows if row.verdict != "as expected"]
    if not differing:
        return f"{head}: all as expected ({count(kinds['as expected'], 'line')})."
    told: tuple[Verdict, ...] = ("unexpected", "different", "missing")
    parts = [f"{kinds[name]:,} {name}" for name in told if kinds[name]]
    first = differing[0]
    return (
        f"{head}: {listed(parts, 3)}, {kinds['as expected']:,} as expected. First: {first.host} {first.what} "
        f"({first.verdict})."
    )


def _not_looked_at(looked_at: int, tables: Tables, settings: Settings) -> str:
    """What the limit of observe.MOST_HOSTS left out; "" for nothing."""
    rest = len(facts(tables, settings).hosts) - looked_at
    if rest <= 0:
        return ""
    return f" {count(rest, 'further host')} {verb(rest, 'was', 'were')} not looked at: the first {looked_at:,} were."


def _rows(wanted: Expectations, hosts: dict[str, Host]) -> Iterator[ExpectedRow]:
    alone = {e.address: e for e in wanted.hosts if e.alone}
    groups = [e for e in wanted.hosts if not e.alone]
    for address, entry in alone.items():
        host = hosts.get(address)
        if host is not None:
            yield from _host(entry, host)
        elif entry.must_be_seen:
            yield _row("missing", address, "host", entry.name or entry.role or "seen", "it sent nothing")
    for group in groups:
        members = [h for a, h in hosts.items() if a not in alone and group.covers(a)]
        for host in members:
            yield from _host(group, host)
        if not members and group.must_be_seen:
            yield _row("missing", group.address, "hosts", group.name or group.role or "any", "none sent anything")
    if wanted.only_these:
        for address, host in hosts.items():
            if address not in alone and not any(g.covers(address) for g in groups) and not own_link(address):
                what = f"{host.role}, offers {listed(sorted(host.offers), 4) or 'nothing'}"
                yield _row("unexpected", address, "host", "no such host", what, host.frame, filters.src(address))


def own_link(address: str) -> bool:
    """Link-local addresses: every host makes its own, and nobody writes them down."""
    return address.startswith(("fe80:", "169.254."))


def _host(entry: Expected, host: Host) -> Iterator[ExpectedRow]:
    name = f"host {entry.name}".strip()
    yield _row(
        "as expected", host.address, name, entry.role or "seen", host.role, host.frame, filters.src(host.address)
    )
    # A host that offered nothing here looks like a client; a list of what it offers says so better than its role.
    if entry.role and entry.role.lower() != host.role.lower() and (host.role != "client" or entry.offers is None):
        yield _row("different", host.address, "role", entry.role, _role(host), host.frame, filters.src(host.address))
    if entry.mac is not None and host.macs and not any(fits(m, entry.mac) for m in host.macs):
        yield _row("different", host.address, "hardware address", listed(list(entry.mac), 2), listed(host.macs, 2),
                   host.frame, filters.src(host.address))  # fmt: skip
    for name in LISTS:
        patterns: tuple[str, ...] | None = getattr(entry, name)
        if patterns is not None:
            yield from _list(host, name, patterns, getattr(host, name), must=name == "offers" and entry.alone)


def _list(
    host: Host, name: str, patterns: tuple[str, ...], seen: dict[str, Seen], *, must: bool
) -> Iterator[ExpectedRow]:
    """One line for each service or place; those that were not seen are missing only where a server must offer them."""
    for value, one in seen.items():
        known = fits(value, patterns)
        yield _row(
            "as expected" if known else "unexpected", host.address, f"{name} {value}", name if known else "not listed",
            count(one.sessions, "session"), one.frame, one.display_filter,
        )  # fmt: skip
    for pattern in patterns:
        if must and not any(fits(value, (pattern,)) for value in seen):
            yield _row("missing", host.address, f"{name} {pattern}", name, "nobody got an answer from it")


def _role(host: Host) -> str:
    return f"{host.role}, offers {listed(sorted(host.offers), 4) or 'nothing'}"


def _row(
    verdict: Verdict, host: str, what: str, expected: str, seen: str, frame: int | None = None, display_filter: str = ""
) -> ExpectedRow:
    return ExpectedRow(
        verdict=verdict, host=host, what=what, expected=expected, observed=seen, first_frame=frame,
        display_filter=display_filter,
    )  # fmt: skip
