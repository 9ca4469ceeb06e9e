"""How much a delivery stands out, and what several rules say about one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from tshark_report.capture.filetypes import ending
from tshark_report.report.model import Confidence, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context
from tshark_report.rules.delivery._common import Row, between, cut, stretch, stretch_frames
from tshark_report.rules.delivery._deliveries import deliveries
from tshark_report.rules.delivery._delivery import CARRIER_ENDINGS, Delivery
from tshark_report.rules.delivery._http import host_of, is_bare
from tshark_report.rules.delivery._signs import BOOT_NAMES, disguise, is_updater, points, shown_name, signs
from tshark_report.story.words import clock, iso_time, listed
from tshark_report.tables.tables import Tables

HIGH, MEDIUM, LOW = 3, 2, 1
"""Points from which a delivery has that priority. One sign alone is common, two are rare, three hardly ever meet by
chance."""
MOST_IN_FILTER = 25
"""Files of one finding that its filter names; more make a filter that nobody can read."""


@dataclass(frozen=True)
class Graded:
    """A delivery and how it stands out."""

    delivery: Delivery
    priority: Priority
    confidence: Confidence
    score: int
    signs: tuple[str, ...]
    disguise: str

    @property
    def loud(self) -> bool:
        """Would an analyst open it?"""
        return self.priority in ("high", "medium")


def graded(tables: Tables, context: Context) -> list[Graded]:
    """Every delivery with its grade, in order of frames."""
    if _kept and _kept[0][0] is tables and _kept[0][1] is context.settings:
        return _kept[0][2]
    made = [_grade(d, tables, context) for d in deliveries(tables)]
    _kept[:] = [(tables, context.settings, made)]
    return made


_kept: list[tuple[Tables, object, list[Graded]]] = []


def _grade(d: Delivery, tables: Tables, context: Context) -> Graded:
    found = signs(d, tables, context) if d.protocol == "http" else []
    hidden = disguise(d)
    words = tuple(text for number, text in found if number > 0)
    base, confidence = _base(d, context)
    score = base + points(found)
    if d.category == "program" and hidden:
        score = max(score, HIGH) if not is_updater(d) else MEDIUM
    elif hidden:
        score = max(score + 1, MEDIUM)
    if d.from_client and d.protocol == "http":
        score = min(score, MEDIUM) if d.category in ("program", "code", "script", "carrier") else min(score, LOW)
    named = d.protocol == "http" and not is_bare(d.host)
    if named and not hidden and d.category in ("script", "code", "carrier") and all(number < 2 for number, _ in found):
        score = min(score, MEDIUM)
    if any(mark.startswith("program further") for mark in d.marks):
        score = min(score, MEDIUM)
    if d.category in ("document", "archive", "plugin"):
        score = min(score, LOW)
    priority: Priority = "high" if score >= HIGH else "medium" if score >= MEDIUM else "low" if score >= LOW else "info"
    return Graded(d, priority, confidence, score, words, hidden)


def _base(d: Delivery, context: Context) -> tuple[int, Confidence]:
    """Points for what it is and how it came, apart from the signs of HTTP."""
    sure: Confidence = "high" if d.complete or d.category == "program" else "medium"
    if d.protocol in ("tcp", "udp"):
        if d.category == "coded":
            return (HIGH, "high") if "echo" in d.what else (LOW, "medium")
        if d.at_start:
            return HIGH, "high"
        if d.spoken and not d.spoken.startswith("HTTP"):
            return LOW, "medium"  # inside a protocol that carries files or anything else
        return (MEDIUM if context.is_outside(d.source) or context.is_outside(d.destination) else LOW), "medium"
    if d.protocol == "tftp":
        if d.category not in ("program", "script", "carrier", "code") or BOOT_NAMES.search(d.name):
            return 0, sure
        return (HIGH if d.category == "program" else MEDIUM), sure
    if d.protocol == "ftp":
        outside = context.is_outside(d.source) or context.is_outside(d.destination)
        return (MEDIUM if outside and d.category in ("program", "script", "carrier", "code") else LOW), sure
    if d.protocol == "mail":
        return _base_of_mail(d), sure
    if d.category == "coded":
        strong = any(mark.startswith("program under") or mark == "program inside" for mark in d.marks)
        weak = any(mark.startswith(("page that", "program further")) for mark in d.marks)
        # Web mail and ticket systems carry attachments so, inside what their own page asked for.
        weak = weak or ("json" in d.declared or "xml" in d.declared) and host_of(d.referer) == d.host != ""
        return (HIGH if strong else LOW if weak else MEDIUM), ("high" if strong else "medium")
    if d.category in ("script", "carrier"):
        return _base_of_carrier(d), sure
    return 0, sure


def _base_of_carrier(d: Delivery) -> int:
    if d.what.startswith("ZIP") or "archive holding" in d.what:
        runs = [name for name in d.inside if ending(name) in CARRIER_ENDINGS]
        double = any(
            name.lower().rsplit(".", 2)[-2:-1][0:1]
            and ending(name.rsplit(".", 1)[0]) in ("pdf", "doc", "docx", "xls", "xlsx", "jpg", "png", "txt")
            for name in runs
        )
        scripts = any(ending(name) in ("js", "jse", "vbs", "vbe", "wsf", "hta", "lnk", "scr", "pif") for name in runs)
        return MEDIUM if double or (len(d.inside) == 1 and scripts) else 0
    if (
        d.what == "disk image"
        or d.what.startswith(("script (shell", "script (Python", "script (Perl", "script (JavaScript"))
        or d.what == "script"
    ):
        return 0
    return LOW


def _base_of_mail(d: Delivery) -> int:
    if d.category == "program":
        return HIGH
    if d.category == "coded":
        return MEDIUM
    if d.category in ("script", "code"):
        return HIGH
    if d.category == "carrier":
        return MEDIUM if "macros" in d.marks or d.what.startswith("OneNote") else HIGH
    return 0


def priority_of(one: Graded, context: Context) -> Priority:
    """The priority of a delivery under the asking rule's own thresholds."""
    high, medium = context.limits.get("high_points", HIGH), context.limits.get("medium_points", MEDIUM)
    return "high" if one.score >= high else "medium" if one.score >= medium else "low" if one.score >= LOW else "info"


def file_row(d: Delivery) -> Row:
    """Cells under _common.FILE_COLUMNS."""
    return (
        iso_time(d.time), d.frame, cut(d.url, 200), d.what, d.declared, d.size, d.source, cut(d.host, 80),
        d.destination, cut(d.user_agent, 120), d.sha256,
    )  # fmt: skip


def groups(found: Iterable[Graded]) -> list[list[Graded]]:
    """By who asked whom; the group with the best grade first, and in each the best first."""
    made: dict[tuple[str, str, bool], list[Graded]] = {}
    for one in found:
        made.setdefault((one.delivery.client, one.delivery.server, one.delivery.from_client), []).append(one)
    for members in made.values():
        members.sort(key=lambda g: (-g.score, g.delivery.frame))
    return sorted(made.values(), key=lambda members: (-members[0].score, members[0].delivery.frame))


def filter_of(tables: Tables, found: Sequence[Delivery]) -> tuple[str, list[int]]:
    """A filter that selects the packets of these deliveries, and the frames that it selects."""
    parts: list[str] = []
    wanted: list[tuple[str, int, int | None, int | None]] = []
    frames: set[int] = set()
    for d in found[:MOST_IN_FILTER]:
        if d.protocol == "tftp":
            blocks = tables.misc.filter(pl.col("tftp_opcode").is_not_null() & (pl.col("transport") == "udp"))
            frames.update(blocks.filter(between(d.source, d.destination))["frame"].to_list())
            parts.append(
                filters.all_of("tftp", filters.between(d.source, d.destination), filters.negated("icmp || icmpv6"))
            )
        elif d.stream is not None:
            wanted.append((d.transport, d.stream, d.first_frame, d.last_frame))
    wanted = list(dict.fromkeys(wanted))
    whole = {(transport, stream) for transport, stream, first, last in wanted if first is None and last is None}
    wanted = [w for w in wanted if w[2:] == (None, None) or w[:2] not in whole]
    parts += [stretch(*w) for w in wanted]
    frames.update(stretch_frames(tables, wanted))
    return filters.any_of(*dict.fromkeys(parts)), sorted(frames)


def indicators_of(found: Iterable[Graded], context: Context) -> tuple[tuple[str, str], ...]:
    """Addresses outside, names, URLs and hashes of what stands out."""
    made: dict[tuple[str, str], None] = {}
    for one in found:
        d = one.delivery
        if not one.loud:
            continue
        if context.is_outside(d.server):
            made[("ipv6" if ":" in d.server else "ipv4", d.server)] = None
        if d.protocol == "http" and not is_bare(d.host):
            made["domain", d.host] = None
        if d.protocol == "http" and not d.from_client:
            made["url", d.url] = None
        if d.sha256 and d.category in ("program", "code", "script", "carrier", "coded"):
            made["sha256", d.sha256] = None
    return tuple(made)


def with_article(what: str) -> str:
    """`an executable (ELF, Linux)`, `a Windows installer (MSI)`."""
    return f"{'an' if what[:1].lower() in 'aeio' or what.startswith(('HTML', 'MSI')) else 'a'} {what}"


def amount(d: Delivery) -> str:
    """`120,000 bytes`, or what is known of the size."""
    if d.size is None:
        return "of unknown size, because the capture does not hold all of it" if not d.complete else "of unknown size"
    return f"{d.size:,} bytes" + ("" if d.complete else " announced, of which the capture does not hold all")


def described(d: Delivery) -> str:
    """What was asked for, from whom, when, and what came."""
    called = f", called {cut(d.disposition, 60)} by the server" if d.disposition and d.disposition != d.name else ""
    declared = f", declared as {cut(d.declared, 60)}" if d.declared else ""
    how = f" with {d.method}" if d.method not in ("", "GET") else ""
    where = f"{cut(d.url)}{how} from {d.server} port {d.port} at {clock(d.start)} UTC"
    return f"{where}: {d.what}, {amount(d)}{declared}{called}"


def agent_of(one: Graded) -> str:
    """A sentence with the User-Agent, where the signs do not hold it already; empty where there is none."""
    agent = one.delivery.user_agent
    return f" User-Agent: {cut(agent)}." if agent and not any(agent in sign for sign in one.signs) else ""


def others(found: Sequence[Graded], limit: int = 4) -> str:
    """The rest of a group in words; empty where there is none."""
    rest = list(dict.fromkeys(cut(shown_name(one.delivery), 50) for one in found[1:]))
    if len(found) < 2:
        return ""
    return f" {len(found) - 1} more of the kind: {listed(rest, limit)}."
