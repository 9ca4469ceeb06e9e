"""What a rule is: a question with its texts, its thresholds, and a pure function over the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from tshark_report.report.model import Cell, Column, ColumnType, Confidence, Innocent, Priority, Reference, Table
from tshark_report.settings import Settings
from tshark_report.tables.tables import Tables

MANY_PACKETS = 20_000
"""Packets from which rules run side by side: below, all of them together take less than half a second."""

EVIDENCE_ROWS = 50
"""Rows of evidence kept in a finding; the total is always told."""


@dataclass(frozen=True)
class Threshold:
    """A number that decides, with its unit and the reason for it. Users override it in TOML by rule code and name."""

    value: float
    unit: str
    reason: str


@dataclass(frozen=True)
class Context:
    """What a rule may ask besides the tables."""

    settings: Settings
    limits: Mapping[str, float]
    """The rule's thresholds by name, the user's values where they set some."""
    tables: Tables

    def limit(self, name: str) -> float:
        """Value of one of the rule's own thresholds."""
        return self.limits[name]

    def is_home(self, address: str | None) -> bool:
        """True for an address of the home networks."""
        return self.settings.is_home(address)

    def is_outside(self, address: str | None) -> bool:
        """True for a unicast address outside the home networks."""
        return self.settings.is_outside(address)

    def named(self, address: str | None) -> str:
        """`name (address)` where this capture shows a name for the address, else the address."""
        name = self.tables.names.get(address or "")
        return f"{name} ({address})" if name and name != address else str(address)


@dataclass(frozen=True)
class Draft:
    """What a rule found, before its filter has been run. Same rule and same subject are one finding."""

    subject: str
    """Identity: an address, a pair, a name. One event, one subject."""
    hosts: tuple[str, ...]
    """Addresses concerned; the one an analyst would open first stands first."""
    summary: str
    """Counts and names of this capture; what was seen, never intent."""
    sentence: str
    """One sentence for the story without its time, able to follow `At 09:14:07 `: `10.1.2.3 fetched ...`."""
    priority: Priority
    confidence: Confidence
    display_filter: str
    """Built with rules.filters; selects exactly `frames`."""
    frames: Sequence[int]
    evidence: Table
    title: str = ""
    """Overrides the rule's title where the finding knows better."""
    lowered_because: str = ""
    indicators: tuple[tuple[str, str], ...] = ()
    """(type, value) as in report.model.Indicator: only values worth searching for elsewhere."""
    line_up: tuple[str, ...] = ()
    """tshark fields that show it best when the packets are put under each other; empty for the usual ones."""
    time: float | None = None
    """Seconds since 1970 of the moment to tell in the story; the first frame's where None."""
    weight: float = 0.0
    """Added to the rule's weight when findings of equal priority and confidence are ranked."""


RestsOn = Literal["both-sides", "no-gaps", "order", "handshakes", "whole-packets"]
"""What a finding may rest on: both directions captured, no packet lost by the recording, packets in the order of their
times, sessions from their start, packets not cut by the snap length."""

RuleFunction = Callable[[Tables, Context], Iterable[Draft]]


@dataclass(frozen=True)
class Rule:
    """A rule and everything the documentation, `explain` and the report say about it."""

    code: str
    name: str
    family: str
    title: str
    question: str
    answers: tuple[str, ...]
    why: str
    innocent: tuple[Innocent, ...]
    confirm: tuple[str, ...]
    references: tuple[Reference, ...]
    needs: tuple[str, ...]
    fields: tuple[str, ...]
    thresholds: Mapping[str, Threshold]
    weight: float
    rests_on: tuple[RestsOn, ...]
    """What the capture must hold for the finding to be as sure as it says; story.doubt looks whether it does."""
    function: RuleFunction = field(compare=False, repr=False)

    def limits(self, settings: Settings) -> dict[str, float]:
        """Threshold values, the user's where they set some."""
        override = settings.thresholds.get(self.code, {})
        return {name: float(override.get(name, threshold.value)) for name, threshold in self.thresholds.items()}


def rule(
    *,
    code: str,
    name: str,
    family: str,
    title: str,
    question: str,
    answers: tuple[str, ...],
    why: str,
    innocent: tuple[Innocent, ...],
    confirm: tuple[str, ...],
    references: tuple[Reference, ...],
    needs: tuple[str, ...],
    thresholds: Mapping[str, Threshold],
    fields: tuple[str, ...] = (),
    weight: float = 50.0,
    rests_on: tuple[RestsOn, ...] = (),
) -> Callable[[RuleFunction], Rule]:
    """Make a rule of a function. Every text is required: leaving one out fails at import and in mypy.

    `code` is three letters and three digits and never reused. `name` is the function's and file's name with dashes.
    `answers` names questions of docs/questions.md (`Q5`) or is empty. `needs` names tables, one of which must have a
    row for the rule to apply. `fields` names tshark fields without which it cannot be evaluated. `weight` (0 to 100)
    orders findings of equal priority: what an analyst would open first. `rests_on` names what the capture itself must
    not lack.
    """
    if not re.fullmatch(r"[A-Z]{3}\d{3}", code):
        raise ValueError(f"rule code {code!r} is not three letters and three digits")
    if not innocent or not confirm or not why or not question:
        raise ValueError(f"rule {code} lacks a text")

    def made(function: RuleFunction) -> Rule:
        if function.__name__.replace("_", "-") != name:
            raise ValueError(f"rule {code}: function {function.__name__} and name {name} differ")
        return Rule(
            code, name, family, title, question, answers, why, innocent, confirm, references, needs, fields,
            thresholds, weight, rests_on, function,
        )  # fmt: skip

    return made


def evidence(
    columns: Sequence[tuple[str, ColumnType]], rows: Iterable[Sequence[Cell]], total: int | None = None
) -> Table:
    """A typed evidence table, cut to EVIDENCE_ROWS; `total` where `rows` is already cut."""
    listed = [list(row) for row in rows]
    return Table(
        columns=[Column(name=name, type=kind) for name, kind in columns],
        rows=listed[:EVIDENCE_ROWS],
        total_rows=len(listed) if total is None else total,
    )


T = TypeVar("T")


def foremost(found: Sequence[T], rank: Callable[[T], Any], most: int) -> list[T]:
    """What may be among the first `most` by `rank`, in the order of `found`: all others need not be worked out.

    Those with the same rank as the last one stay, so that a finer order may decide among them.
    """
    ranks = [rank(each) for each in found]
    if len(found) <= most:
        return list(found)
    bound = sorted(ranks)[most - 1]
    return [each for each, its in zip(found, ranks, strict=True) if its <= bound]


Status = Literal["fired", "quiet", "not-applicable", "not-evaluated", "error"]


@dataclass(frozen=True)
class Outcome:
    """What became of one rule on one capture."""

    rule: Rule
    status: Status
    reason: str
    drafts: tuple[Draft, ...] = ()


TABLE_NAMES: dict[str, str] = {
    "packets": "packets",
    "arp": "ARP",
    "icmp": "ICMP",
    "dns": "DNS",
    "nbns": "NetBIOS names",
    "http": "HTTP",
    "tls": "TLS",
    "certificates": "TLS certificate in clear",
    "smb": "SMB",
    "dcerpc": "DCE/RPC",
    "kerberos": "Kerberos",
    "ftp": "FTP",
    "mail": "SMTP, POP3 or IMAP",
    "telnet": "Telnet",
    "ssh": "SSH",
    "dhcp": "DHCP",
    "wlan": "802.11",
    "misc": "TFTP, NTP, SNMP, RDP, SIP or the like",
    "rtp": "RTP",
    "fragments6": "IPv6 fragment",
    "openings": "payload",
    "signatures": "payload with a known text or magic",
    "files": "file that crossed the wire",
    "tcp_sessions": "TCP",
    "udp_flows": "UDP",
    "analysis": "TCP analysis flag",
    "expert": "expert information",
}
"""How `not applicable` names a table that is empty."""


def drafts(each: Rule, context: Context) -> list[Draft]:
    """What a rule says about the capture, worked out once however many rules ask; not to be changed.

    `context` must hold the rule's own limits.
    """
    key = ("drafts", each.code, tuple(sorted(context.limits.items())))
    kept = context.tables.kept.get(key)
    if kept is None or kept[0] is not context.settings:
        kept = context.tables.kept[key] = (context.settings, list(each.function(context.tables, context)))
    return list(kept[1])


def run(rules: Sequence[Rule], tables: Tables, settings: Settings, jobs: int = 1) -> Iterator[Outcome]:
    """Every rule's outcome, in the order of `rules`. A rule that fails is an outcome, never the end of the report.

    With `jobs` so many rules run at once: half of a rule's time is spent in native code that needs no lock.
    """
    if jobs < 2 or tables.packets.height < MANY_PACKETS:
        for each in rules:
            yield _run_one(each, tables, settings)
        return
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda each: _run_one(each, tables, settings), rules)


def _run_one(each: Rule, tables: Tables, settings: Settings) -> Outcome:
    lacking = [name for name in each.fields if name in tables.missing_fields]
    if lacking:
        return Outcome(each, "not-evaluated", f"this tshark has no such field: {', '.join(lacking)}")
    not_made = [tables.not_made[name] for name in each.needs if name in tables.not_made]
    if not_made and len(not_made) == len(each.needs):
        return Outcome(each, "not-evaluated", not_made[0])
    try:
        if each.needs and not any(getattr(tables, name).height for name in each.needs):
            what = " or ".join(TABLE_NAMES.get(name, name) for name in each.needs)
            return Outcome(each, "not-applicable", f"no {what} in this capture")
        context = Context(settings, each.limits(settings), tables)
        merged: dict[str, Draft] = {}
        for draft in drafts(each, context):
            merged.setdefault(draft.subject, draft)
    except Exception as error:  # noqa: BLE001 - whatever a rule does, the report must come
        return Outcome(each, "error", f"{type(error).__name__}: {error}"[:300])
    if not merged:
        return Outcome(each, "quiet", "looked for and not found")
    return Outcome(each, "fired", f"{len(merged)} found", tuple(merged.values()))
