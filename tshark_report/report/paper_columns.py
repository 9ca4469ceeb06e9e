"""Widths of table columns on paper.

We measure, not WeasyPrint: its own measuring of hostile, unbroken text took a minute for one report,
and of ordinary tables a tenth of the whole time.
"""

from __future__ import annotations

from collections.abc import Sequence

PAGE = 505.0
"""Points between the margins of an A4 page; Letter has a little more."""

# Average widths in points of the characters of the fonts and sizes that the style sheet uses for tables.
_MONO_CHARACTER, _NARROW, _LOWER, _DIGIT, _UPPER, _WIDE = 4.05, 2.7, 4.6, 4.9, 5.4, 7.6
_BOLD = 1.07
_PADDING = 8.5
_UNBROKEN, _BROKEN = 20, 15
"""A word longer than the first, such as a hash, is broken after so many characters as the second says."""
_TIGHT_UNBROKEN, _TIGHT_BROKEN = 15, 9
"""The same for a table that would not fit otherwise; a time and an IPv4 address stay whole."""
_TIGHT = 0.82
"""How much smaller the style sheet's class `tight` makes such a table."""


def points(heads: Sequence[str], rows: Sequence[Sequence[str]], mono: Sequence[bool]) -> list[int]:
    """How wide each column should be, in points.

    Each column first gets room for its longest word, then the widest ones share what is left of the page.
    """
    least = _least(heads, rows, mono)
    wanted = []
    for index, head in enumerate(heads):
        cells = [row[index] for row in rows if index < len(row)]
        measure = _mono_width if mono[index] else _width
        wanted.append(max(_head_width(head), max(map(measure, cells), default=0.0)) + _PADDING)
    if sum(wanted) <= PAGE:
        return [int(width) + 1 for width in wanted]
    if sum(least) > PAGE:
        tight = [width * _TIGHT for width in _least(heads, rows, mono, _TIGHT_UNBROKEN, _TIGHT_BROKEN)]
        if sum(tight) > PAGE:
            return [int(width) for width in _levelled(tight)]
        return [int(width) for width in _shared(tight, [width * _TIGHT for width in wanted])]
    return [int(width) for width in _shared(least, wanted)]


def too_wide(heads: Sequence[str], rows: Sequence[Sequence[str]], mono: Sequence[bool]) -> bool:
    """Whether the table needs the style sheet's class `tight` to get all columns onto the page."""
    return sum(_least(heads, rows, mono)) > PAGE


def _levelled(least: list[float]) -> list[float]:
    """The widest columns cut to one level, so that the narrow ones (frames, ports, counts) stay whole."""
    left = PAGE
    for done, width in enumerate(sorted(least)):
        level = left / (len(least) - done)
        if width >= level:
            return [min(width, level) for width in least]
        left -= width
    return least


def _shared(least: list[float], wanted: list[float]) -> list[float]:
    """What is left after the least goes to all columns alike, until each has what it wants."""
    left = PAGE - sum(least)
    given = list(least)
    by_need = sorted(range(len(least)), key=lambda index: wanted[index] - least[index])
    for done, index in enumerate(by_need):
        more = min(wanted[index] - least[index], left / (len(least) - done))
        given[index] += more
        left -= more
    return given


def _least(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    mono: Sequence[bool],
    unbroken: int = _UNBROKEN,
    broken: int = _BROKEN,
) -> list[float]:
    """Room for the longest word of each column."""
    least = []
    for index, head in enumerate(heads):
        cells = [row[index] for row in rows if index < len(row)]
        words = {word if len(word) <= unbroken else word[:broken] for cell in cells for word in cell.split(" ")}
        measure = _mono_width if mono[index] else _width
        least.append(max(_head_width(head), max(map(measure, words), default=0.0)) + _PADDING)
    return least


def _head_width(head: str) -> float:
    return max((_width(word) for word in head.split(" ")), default=0.0) * _BOLD


def _mono_width(text: str) -> float:
    return len(text) * _MONO_CHARACTER


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
