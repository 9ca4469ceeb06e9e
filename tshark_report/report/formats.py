"""Numbers with units, times in UTC, and the same words everywhere."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from tshark_report.report.model import Cell, CheckStatus, ColumnType, Confidence, LineUpMark, Priority

NOTHING = "-"
"""Shown where a value is not known."""

PRIORITY_SIGN: dict[Priority, str] = {"high": "\u25b2", "medium": "\u25c6", "low": "\u25cf", "info": "\u25cb"}
CONFIDENCE_WORDS: dict[Confidence, str] = {
    "high": "high confidence",
    "medium": "medium confidence",
    "low": "low confidence",
}
STATUS_WORDS: dict[CheckStatus, str] = {
    "fired": "Seen",
    "quiet": "Looked for, not seen",
    "not-applicable": "Nothing to check here",
    "not-evaluated": "Could not be made",
    "error": "Failed",
}
STATUS_SIGN: dict[CheckStatus, str] = {
    "fired": "\u25b2",
    "quiet": "\u2013",
    "not-applicable": "\u25cb",
    "not-evaluated": "?",
    "error": "\u00d7",
}
MARK_SIGN: dict[LineUpMark, str] = {"constant": "=", "counting": "+", "odd": "!", "varying": "~"}
MARK_WORDS: dict[LineUpMark, str] = {
    "constant": "constant",
    "counting": "counting up",
    "odd": "odd ones out",
    "varying": "varying",
}
LINK_NAMES: dict[str, str] = {
    "ether": "Ethernet",
    "ieee-802-11": "802.11 (Wi-Fi)",
    "ieee-802-11-radiotap": "802.11 (Wi-Fi) with radiotap",
    "ieee-802-11-prism": "802.11 (Wi-Fi) with Prism header",
    "ieee-802-11-avs": "802.11 (Wi-Fi) with AVS header",
    "linux-sll": "Linux cooked",
    "linux-sll2": "Linux cooked, version 2",
    "rawip": "raw IP",
    "rawip4": "raw IPv4",
    "rawip6": "raw IPv6",
    "null": "BSD loopback",
    "loop": "OpenBSD loopback",
    "ppp": "PPP",
    "tr": "Token Ring",
    "usb-linux": "USB (Linux)",
    "usb-linux-mmap": "USB (Linux)",
}
"""capinfos' short names of link layers (Wireshark's wiretap/wtap.c) in words."""
RIGHT_ALIGNED: frozenset[ColumnType] = frozenset(
    {"port", "count", "bytes", "seconds", "milliseconds", "frame", "percent"}
)
MONOSPACED: frozenset[ColumnType] = frozenset({"address", "hex"})

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def count(value: float) -> str:
    """A number with thousands separators: `5,311`."""
    if isinstance(value, float) and not math.isfinite(value):
        return NOTHING
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.2f}"
    return f"{int(value):,}"


def plural(number: int, one: str, many: str = "") -> str:
    """A count and its noun: `1 packet`, `2,000 packets`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number_of_bytes: float) -> str:
    """Bytes in decimal units, three digits: `9.84 MB`."""
    value = float(number_of_bytes)
    for unit in _UNITS[:-1]:
        if abs(value) < 999.5:
            return f"{int(value)} {unit}" if unit == "bytes" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} {_UNITS[-1]}"


def duration(seconds: float | None) -> str:
    """Seconds in the unit that reads best: `0.42 ms`, `3 min 20 s`, `12 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    sign = "-" if seconds < 0 else ""
    value = abs(seconds)
    if value == 0:
        return "0 s"
    if value < 1:
        return sign + milliseconds(value * 1000)
    if value < 119.995:
        return f"{sign}{value:.2f} s"
    whole = round(value)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{sign}{days:,} d {hours} h"
    if hours:
        return f"{sign}{hours} h {minutes} min"
    return f"{sign}{minutes} min {secs} s"


def milliseconds(value: float) -> str:
    """Milliseconds with three digits: `0.42 ms`."""
    if not math.isfinite(value):
        return NOTHING
    if 0 < abs(value) < 0.001:
        return "< 0.001 ms"
    return f"{value:.3g} ms" if abs(value) < 100 else f"{value:,.0f} ms"


def percent(value: float) -> str:
    """A percentage as it stands: `4.2 %`."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:.3g} %" if abs(value) < 1000 else f"{value:,.0f} %"


def parse_time(text: str | None) -> datetime | None:
    """An ISO 8601 time as UTC; None where there is none or where it cannot be read."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def utc(text: str | None) -> str:
    """`2026-03-02 09:14:07.123 UTC`; what is not a time comes back as it is."""
    moment = parse_time(text)
    if moment is None:
        return text or NOTHING
    return f"{_stamp(moment)} UTC"


def to_second(text: str | None) -> str:
    """`2026-03-02 09:14:07 UTC`."""
    moment = parse_time(text)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else text or NOTHING


def clock(text: str | None, *, one_day: bool) -> str:
    """A time for a table: without the date where the whole capture lies in one day."""
    moment = parse_time(text)
    if moment is None:
        return text or NOTHING
    return _stamp(moment)[11:] if one_day else _stamp(moment)


def clock_span(first: str | None, last: str | None, *, one_day: bool) -> str:
    """`09:14:07 - 09:31:40 UTC`, the date only where it is needed."""
    start, end = parse_time(first), parse_time(last)
    if start is None:
        return NOTHING
    head = f"{start:%H:%M:%S}" if one_day else f"{start:%Y-%m-%d %H:%M:%S}"
    if end is None or end - start < timedelta(seconds=1):
        return f"{head} UTC"
    same_day = start.date() == end.date()
    return f"{head} \u2013 {end:%H:%M:%S} UTC" if same_day else f"{head} \u2013 {end:%Y-%m-%d %H:%M:%S} UTC"


def within_one_day(first: str | None, last: str | None) -> bool:
    """True where both times lie in the same UTC day."""
    start, end = parse_time(first), parse_time(last)
    return start is not None and end is not None and start.date() == end.date()


def frame_span(first: int | None, last: int | None) -> str:
    """`frames 210-388`, `frame 12`, or nothing."""
    if first is None:
        return ""
    if last is None or last == first:
        return f"frame {first:,}"
    return f"frames {first:,}\u2013{last:,}"


def cell(value: Cell, kind: ColumnType, *, one_day: bool = False) -> str:
    """One table cell as text, by the type of its column."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return clock(value, one_day=one_day) if kind == "time" else value
    return _number(value, kind, one_day)


def _number(value: float, kind: ColumnType, one_day: bool) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return NOTHING
    match kind:
        case "seconds":
            # In a column of intervals `300.02 s` tells more than `5 min 0 s`.
            return f"{value:.2f} s" if 1 <= abs(value) < 1000 else duration(value)
        case "milliseconds":
            return milliseconds(value)
        case "percent":
            return percent(value)
        case "hex":
            return f"0x{int(value):x}"
        case "port":
            return str(value)
        case "time":
            stamp = _stamp(datetime.fromtimestamp(value, UTC))
            return stamp[11:] if one_day else stamp
        case _:
            return count(value)


def heading(name: str, kind: ColumnType) -> str:
    """A column's heading: a capital, but for field names such as `ip.ttl`, and the unit that its cells leave out."""
    if "." not in name and "_" not in name:
        name = name[:1].upper() + name[1:]
    if kind == "bytes" and "byte" not in name.lower():
        return f"{name} (bytes)"
    if kind == "time" and "utc" not in name.lower():
        return f"{name} (UTC)"
    return name


def rating(priority: Priority, confidence: Confidence) -> str:
    """Priority and confidence in words: two things, never one score."""
    return f"{PRIORITY_SIGN[priority]} {priority} priority, {CONFIDENCE_WORDS[confidence]}"


def cut_note(shown: int, total: int, noun: str = "rows") -> str:
    """`20 of 5,311 rows`; empty where nothing was cut."""
    return f"{shown:,} of {total:,} {noun}" if total > shown else ""


def sentences(text: str, longest: int) -> str:
    """As many whole sentences as fit, but at least one, and a mark where there are more."""
    if len(text) <= longest:
        return text
    ends = [found.end() for found in re.finditer(r"[.!?](?= [A-Z0-9\u201c\"'])", text)]
    fitting = [end for end in ends if end <= longest]
    end = fitting[-1] if fitting else ends[0] if ends and ends[0] <= longest * 2 else 0
    if end:
        return f"{text[:end]} \u2026"
    return f"{text[: max(text.rfind(' ', 0, longest), longest // 2)]} \u2026"


def link_name(capinfos: str) -> str:
    """The name of a link layer as people write it, from capinfos' short name; unknown ones stay."""
    return LINK_NAMES.get(capinfos, capinfos)


def defang(value: str) -> str:
    """An indicator that no program turns into a link: `hxxp://bad[.]example`."""
    out = re.sub(r"\b(h)tt(ps?)\b(?=:)", r"\1xx\2", value, flags=re.IGNORECASE)
    out = re.sub(r"(?<!\[)\.(?!\])", "[.]", out)
    out = out.replace("://", "[://]").replace("@", "[@]")
    return re.sub(r"(?<=[0-9a-fA-F]):(?=[0-9a-fA-F:]*$)", "[:]", out, count=1) if _is_ipv6(value) else out


def _is_ipv6(value: str) -> bool:
    return value.count(":") > 1 and re.fullmatch(r"[0-9a-fA-F:.]+", value) is not None


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
