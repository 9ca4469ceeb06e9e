"""Widths of table columns on paper.

We measure, not WeasyPrint: its own measuring of hostile, unbroken text took a minute for one report,
and of ordinary tables a tenth of the whole time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PAGE = 505.0
"""Points between the margins of an A4 page; Letter has a little more."""
STEP = 84
"""Points of a sixth of it."""

# Average widths in points of the characters of the fonts and sizes that the style sheet uses for tables.
_NARROW, _LOWER, _DIGIT, _UPPER, _WIDE = 2.7, 4.6, 4.9, 5.4, 7.6
_BOLD = 1.12


@dataclass(frozen=True, slots=True)
class _Style:
    """How the style sheet sets a table: the class `tight` is for one that would not fit otherwise."""

    scale: float
    """Size of plain text against the usual one."""
    mono: float
    """Points of a monospaced character."""
    padding: float
    unbroken: int
    """Characters of a word that stays whole; a longer one, such as a hash, is broken."""
    broken: int
    """Characters of a broken word that stay together."""


_WHOLE = re.compile(r"[-!]?|!?[0-9.:]{1,15}|!?[0-9a-f:]{1,17}")
_MOST_FIXED = 0.6
"""Share of the page that columns of addresses and times may take."""
_NARROW_COLUMN, _MOST_UNBROKEN, _MOST_WANTED = 62.0, 0.85, 0.7
"""Points of a column that should not break; shares of the page that such columns, and one long cell, may take."""
_USUAL = _Style(1.0, 4.05, 8.5, 20, 15)
_TIGHT = _Style(0.82, 3.7, 5.0, 15, 9)
"""A time and an IPv4 address stay whole here too."""
_TIGHTEST = _Style(0.82, 3.7, 5.0, 15, 6)


def points(heads: Sequence[str], rows: Sequence[Sequence[str]], mono: Sequence[bool]) -> list[int]:
    """How wide each column should be, in points.

    Each column first gets room for its longest word, then the ones with long cells share what is left of the page.
    """
    least = _least(heads, rows, mono, _USUAL)
    if sum(least) <= PAGE:
        wanted = _wanted(heads, rows, mono, _USUAL)
        if sum(wanted) <= PAGE:
            return [int(width) + 1 for width in wanted]
        return [int(width) for width in _shared(least, wanted)]
    for style in (_TIGHT, _TIGHTEST):
        least = _least(heads, rows, mono, style)
        if sum(least) <= PAGE:
            return [int(width) for width in _shared(least, _wanted(heads, rows, mono, style))]
    whole = [_is_whole([row[index] for row in rows if index < len(row)]) for index in range(len(heads))]
    return [int(width) for width in _levelled(least, whole)]


def whole(widths: Sequence[int]) -> int:
    """How wide the table should be, in points: it ends at the next sixth of the page.

    Tables under each other then end at the same places, and those of one width share their styles.
    """
    used = sum(widths)
    return max(used, min(-(-used // STEP) * STEP, int(PAGE)))


def too_wide(heads: Sequence[str], rows: Sequence[Sequence[str]], mono: Sequence[bool]) -> bool:
    """Whether the table needs the style sheet's class `tight` to get all columns onto the page."""
    return sum(_least(heads, rows, mono, _USUAL)) > PAGE


def _is_whole(cells: Sequence[str]) -> bool:
    """Addresses and times, which nobody can read in two pieces."""
    return bool(cells) and all(_WHOLE.fullmatch(cell) for cell in cells)


def _levelled(least: list[float], whole: list[bool]) -> list[float]:
    """The widest columns cut to one level, so that the narrow ones (frames, ports, counts) and the whole ones stay."""
    fixed = sum(width for width, stays in zip(least, whole, strict=True) if stays)
    if fixed > PAGE * _MOST_FIXED:
        fixed, whole = 0.0, [False] * len(whole)
    left = PAGE - fixed
    cut = sorted(width for width, stays in zip(least, whole, strict=True) if not stays)
    for done, width in enumerate(cut):
        level = left / (len(cut) - done)
        if width >= level:
            return [each if stays else min(each, level) for each, stays in zip(least, whole, strict=True)]
        left -= width
    return least


def _shared(least: list[float], wanted: list[float]) -> list[float]:
    """The page shared so that the longest cells of all columns break into equally many lines, none below its least.

    Narrow columns stay on one line where there is room for that; one endless cell does not get all of the page.
    """
    unbroken = [want if want <= _NARROW_COLUMN else each for each, want in zip(least, wanted, strict=True)]
    if sum(unbroken) <= PAGE * _MOST_UNBROKEN:
        least = unbroken
    wanted = [min(want, PAGE * _MOST_WANTED) for want in wanted]
    low, high = 1.0, max(*wanted, PAGE)
    for _ in range(20):
        lines = (low + high) / 2
        if sum(max(each, want / lines) for each, want in zip(least, wanted, strict=True)) > PAGE:
            low = lines
        else:
            high = lines
    return [max(each, want / high) for each, want in zip(least, wanted, strict=True)]


def _least(heads: Sequence[str], rows: Sequence[Sequence[str]], mono: Sequence[bool], style: _Style) -> list[float]:
    """Room for the longest word of each column."""
    least = []
    for index, head in enumerate(heads):
        cells = [row[index] for row in rows if index < len(row)]
        words = {
            word if len(word) <= style.unbroken else word[: style.broken] for cell in cells for word in cell.split(" ")
        }
        width = max((_measured(word, style, mono[index]) for word in words), default=0.0)
        least.append(max(_head_width(head, style), width) + style.padding)
    return least


def _wanted(heads: Sequence[str], rows: Sequence[Sequence[str]], mono: Sequence[bool], style: _Style) -> list[float]:
    """Room for the longest cell of each column."""
    wanted = []
    for index, head in enumerate(heads):
        width = max((_measured(row[index], style, mono[index]) for row in rows if index < len(row)), default=0.0)
        wanted.append(max(_head_width(head, style), width) + style.padding)
    return wanted


def _head_width(head: str, style: _Style) -> float:
    # The templates let field names break after a stop.
    return max((_width(word) for word in head.replace(".", ". ").split(" ")), default=0.0) * _BOLD * style.scale


def _measured(text: str, style: _Style, mono: bool) -> float:
    return len(text) * style.mono if mono else _width(text) * style.scale


def _width(text: str) -> float:
    return sum(map(_character, text))


def _character(char: str) -> float:
    if char in " .,:;'|!()[]/iljtfr-":
        return _NARROW
    if char > "\u2e7f" or char in "MW@%mw":
        return _WIDE
    if char.isdigit():
        return _DIGIT
    return _UPPER if char.isupper() else _LOWER
