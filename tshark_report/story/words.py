"""Numbers and times in words, the same everywhere in the story."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(seconds: float | None) -> str | None:
    """Seconds since 1970 as UTC in ISO 8601 with microseconds; None where the calendar has no such moment."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(round(seconds * 1e6) / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (OverflowError, OSError, ValueError):
        return None


def clock(seconds: float | None) -> str:
    """Time of day, UTC, for the story: `09:14:07`."""
    text = iso_time(seconds)
    return text[11:19] if text else "an unknown time"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 packet`, `1,234 packets`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def verb(number: int, one: str, many: str) -> str:
    """The form that goes with a number: `was` with 1, `were` with all others."""
    return one if number == 1 else many


def size(number: float) -> str:
    """Bytes with a unit that fits: `812 bytes`, `4.1 kB`, `12.3 MB` (decimal, as on a link)."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= scale:
            return f"{number / scale:.1f} {unit}"
    return count(int(number), "byte")


def duration(seconds: float) -> str:
    """A length of time: `340 ms`, `12.5 s`, `4 min 10 s`, `2 h 5 min`, `317 days`."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole / 86_400:.0f} days"


def listed(parts: list[str], limit: int = 5, noun: str = "more") -> str:
    """`a, b and c`; past `limit`, `a, b and 7 more`."""
    if len(parts) > limit:
        return ", ".join(parts[:limit]) + f" and {len(parts) - limit:,} {noun}"
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def took(seconds: float) -> str:
    """How long something took, with the digits that matter: `48 ms`, `0.983 s`, `1.03 s`, `12.5 s`, `4 min 10 s`."""
    if seconds < 0.000_95:
        return f"{seconds * 1e6:.0f} \u00b5s" if seconds >= 0.000_001 else "under 1 \u00b5s"
    if seconds < 0.0995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 1:
        return f"{seconds:.3f} s"
    if seconds < 10:
        return f"{seconds:.2f} s"
    return duration(seconds)
