"""Findings and rows of evidence held against a baseline. Normal lowers some, hides none, and says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from tshark_report.normal.judge import NOT_COMPARED, WORDS, Known, Mark, worst
from tshark_report.normal.said import About, Lookup, Sessions, keys
from tshark_report.report.model import PRIORITIES, Cell, Column, Priority, Table
from tshark_report.settings import Settings, is_address
from tshark_report.story.findings import Fired
from tshark_report.story.words import count, listed

COLUMN = "against normal"
"""Heading of the column that evidence tables get."""
WEIGHTS = {"new": 12.0, "amount": 6.0, "usual": -12.0, "": 0.0}
"""Added to a finding's weight: what is new goes first among findings of the same priority and confidence."""

LOWERED = frozenset((
    "regular-connections", "regular-requests", "regular-messages", "regular-lookups", "repeated-failures",
    "tls-on-odd-ports", "http-on-odd-ports", "protocols-on-odd-ports", "nameless-tls", "odd-certificates",
    "address-lookups", "leaked-names", "dynamic-names", "direct-mail", "upload-volume", "short-lived-names",
    "encrypted-dns", "outside-resolvers", "slow-resolvers", "resolver-errors", "unanswered-queries", "reverse-sweeps",
    "encrypted-tunnels", "encapsulated-traffic", "odd-port-dns", "private-answers", "changing-addresses",
    "cleartext-logins", "smb1-in-use", "snmp-communities", "gratuitous-arp-flood", "constant-ip-id", "varying-ttl",
    "reserved-bits", "busy-port", "broadcast-storm", "constant-source-port", "odd-fragments", "slow-answers",
    "late-greetings", "unacknowledged-data", "late-handshakes", "resent-segments", "unanswered-connections",
    "unrepaired-gaps", "lost-large-segments", "zero-windows", "grown-round-trips", "deauthentication-bursts",
    "failed-wlan-logins", "unanswered-arp", "unanswered-dhcp", "unanswered-datagrams", "exceeded-ttl", "redirects",
    "broken-connections", "refused-connections", "full-windows", "unreachable-destinations", "half-open-connections",
    "smaller-path-mtu", "doubled-packets", "long-round-trips", "http-errors", "mail-errors", "tls-alerts",
    "ftp-errors", "sip-errors", "smb-errors", "slow-questions", "malformed-packets", "reordered-packets",
    "missing-packets", "lossy-calls", "repeated-wlan-frames", "refused-leases",
))  # fmt: skip
"""Rules whose findings may be lowered where they are usual: each has an everyday cause that goes on for months. All
others - programs that arrive, logins that are tried, shells, scans, tunnels, spoofing - say the same of a known host
as of a new one, and a host that was taken over is a known host."""


@dataclass(frozen=True)
class Judged:
    """A finding with its mark, and what it was lowered from, if it was."""

    fired: Fired
    mark: Mark
    lowered_from: Priority | None = None


def judged(found: Sequence[Fired], known: Known, sessions: Sessions, settings: Settings) -> list[Judged]:
    """Every finding marked, its evidence row by row, in the new order."""
    made = [_one(each, known, sessions, settings) for each in found]
    return sorted(made, key=lambda j: j.fired.rank)


def _one(each: Fired, known: Known, sessions: Sessions, settings: Settings) -> Judged:
    own = sessions.of_finding(each)
    mark = finding_mark(each, own, known, settings)
    draft = replace(
        each.draft,
        evidence=marked_table(each, mark, known, sessions),
        weight=each.draft.weight + WEIGHTS[mark.kind],
    )
    lowered = _lowered(each, mark)
    if lowered is not None:
        because = f"usual here: {mark.reason}"
        draft = replace(
            draft,
            priority=lowered,
            lowered_because="; ".join(filter(None, (each.draft.lowered_because, because))),
        )
    return Judged(Fired(each.rule, draft), mark, each.draft.priority if lowered is not None else None)


def _lowered(each: Fired, mark: Mark) -> Priority | None:
    """The priority one below, where this finding may be lowered; high ones never are."""
    priority = each.draft.priority
    if mark.kind != "usual" or not mark.alone or each.rule.name not in LOWERED or priority in ("high", "info"):
        return None
    return PRIORITIES[PRIORITIES.index(priority) + 1]


def finding_mark(each: Fired, own: Sequence[About], known: Known, settings: Settings) -> Mark:
    """What is to be said of a finding as a whole: usual only where the same was said while learning."""
    if not own:
        return _without_sessions(each, known, settings)
    mark = worst([known.about(row) for row in own])
    if mark.kind != "usual":
        return mark
    lost = known.loss([row for row in own if not isinstance(row, Lookup)])
    if lost and each.rule.family == "transport":
        return Mark("amount", lost)
    missing: list[str] = []
    seen = []
    for host, several in keys(each, own).items():
        profile = known.host(host)
        before = profile.findings if profile is not None else {}
        missing += [f"{host} with {key.partition(' ')[2]}" for key in several if key not in before]
        seen += [before[key] for key in several if key in before]
    if not missing:
        return Mark("usual", f"seen so in {count(min(seen), 'capture')} while learning", alone=True)
    return Mark("new", f"the hosts and services are known, but not this of them: {listed(missing, 2)}")


def _without_sessions(each: Fired, known: Known, settings: Settings) -> Mark:
    """A finding of packets that belong to no session, as of ARP: known by its code and home hosts alone."""
    homes = [h for h in each.draft.hosts if settings.is_home(h) and known.network(h) is not None]
    if not homes:
        return NOT_COMPARED
    profiles = {h: known.host(h) for h in homes}
    strange = [h for h, profile in profiles.items() if profile is None]
    if strange:
        return Mark("new", f"not seen while learning: {listed(strange, 3)}")
    before = [p.findings.get(each.rule.code, 0) for p in profiles.values() if p is not None]
    if min(before):
        return Mark("usual", f"seen so in {count(min(before), 'capture')} while learning", alone=True)
    return Mark("new", "the hosts are known, but not this of them")


def frames_of(table: Table) -> list[int]:
    """Every frame number that evidence rows name."""
    places = [i for i, c in enumerate(table.columns) if c.type == "frame"]
    return [v for row in table.rows for i in places if isinstance(v := row[i], int) and not isinstance(v, bool)]


def marked_table(each: Fired, whole: Mark, known: Known, sessions: Sessions) -> Table:
    """The evidence with one more column that says of each row what the baseline says.

    A row that names no frame and no address of its own shares the mark of the whole finding.
    """
    table = each.draft.evidence
    if not table.rows or any(c.name == COLUMN for c in table.columns):
        return table
    marks = [_row_mark(row, table.columns, each, known, sessions) or whole for row in table.rows]
    rows: list[list[Cell]] = [[*row, WORDS[m.kind]] for row, m in zip(table.rows, marks, strict=True)]
    return msgspec.structs.replace(table, columns=[*table.columns, Column(name=COLUMN)], rows=rows)


def _row_mark(
    row: Sequence[Cell], columns: Sequence[Column], each: Fired, known: Known, sessions: Sessions
) -> Mark | None:
    """By the frame that the row names, else by its addresses and port, together with the finding's own host."""
    own: list[About] = []
    for value, column in zip(row, columns, strict=False):
        if column.type == "frame" and isinstance(value, int):
            found = sessions.of_frame(value)
            if found is not None:
                own.append(found)
    if not own:
        texts = [str(v) for v in row if isinstance(v, str) and is_address(v)]
        ports = [v for v, c in zip(row, columns, strict=False) if c.type == "port" and isinstance(v, int)]
        addresses = set(texts[:2])
        if len(addresses) == 1 and each.draft.hosts and each.draft.hosts[0] not in addresses:
            own += sessions.between({*addresses, each.draft.hosts[0]}, ports[0] if ports else None)
        own = own or [*sessions.between(addresses, ports[0] if ports else None)]
    return worst([known.about(r) for r in own[:50]]) if own else None
