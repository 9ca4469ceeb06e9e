"""Times, sizes and payloads in words, as the rules of this family print them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime


def seconds(value: float) -> str:
    """A duration in words of one unit: `2.2 s`, `15 s`, `10.0 min`."""
    if value >= 600:
        return f"{value / 60:.1f} min"
    if value < 0.001:
        return "1 ms"
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.0f} s" if value >= 99.5 else f"{value:.1f} s" if value >= 0.95 else f"{value:.2f} s"


def clock(moment: float) -> str:
    """`09:14:07`, UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def day(moment: float | None) -> str:
    """`2020-05-12`; `unreadable` where the date is none."""
    if moment is None:
        return "unreadable"
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "unreadable"


def size(count: float) -> str:
    """`412,160 bytes`."""
    return f"{count:,.0f} bytes"


def cut(text: str, limit: int = 120) -> str:
    """`text`, with an ellipsis where it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def spoken(protocol: str) -> str:
    """A protocol as a reader calls it: tshark's `TCP` is one that it does not know."""
    if protocol in ("TCP", "UDP", "DATA"):
        return "a protocol that tshark does not know"
    if protocol.startswith(("TLS", "SSL")):
        return "TLS"
    return "HTTP" if protocol.startswith("HTTP") else protocol


TEXT_SHARE = 0.95
"""Share of printable bytes from which a payload is called text."""


PRINTABLE = bytes((*b"\t\r\n", *range(0x20, 0x7F)))


def text_of(data: bytes | None, least: int = 4) -> str:
    """A payload as text where nearly all of it is printable and it holds letters; else ""."""
    if not data or len(data) < least:
        return ""
    good = len(data) - len(data.translate(None, PRINTABLE))
    if good < TEXT_SHARE * len(data):
        return ""
    shown = re.sub(r"[\x00-\x1f\x7f-\xff]+", " ", data.decode("latin-1")).strip()
    return shown if re.search(r"[A-Za-z]{2}", shown) else ""


def constant_start(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    place = 0
    while place < min(len(first), len(last)) and first[place] == last[place]:
        place += 1
    return first[:place]
