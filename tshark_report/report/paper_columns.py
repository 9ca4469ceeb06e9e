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
_LONGEST_UNBROKEN = 20
_BROKEN = 15
"""A word longer than `_LONGEST_UNBROKEN`, such as a hash, is broken after so many characters where room is short."""


def points(heads: Sequence[str], rows: Sequence[Sequence[str]], mono: Sequence[bool]) -> list[int]:
    """How wide each column should be, in points.

    Each column first gets room for its longest word, then the widest ones share what is left of the page.
    """
    least, wanted = [], []
    for index, head in enumerate(heads):
        measure = _mono_width if mono[index] else _width
        cells = [row[index] for row in rows if index < len(row)]
        head_word = max((_width(word) for word in head.split(" ")), default=0.0) * _BOLD
        words = {
            word if len(word) <= _LONGEST_UNBROKEN else word[:_BROKEN] for cell in cells for word in cell.split(" ")
        }
        least.append(max(head_word, max(map(measure, words), default=0.0)) + _PADDING)
        wanted.append(max(head_word, max(map(measure, cells), default=0.0)) + _PADDING)
    if sum(wanted) <= PAGE:
        return [int(width) + 1 for width in wanted]
    if sum(least) >= PAGE:
        return [int(width * PAGE / sum(least)) for width in least]
    return [int(width) for width in _shared(least, wanted)]


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
