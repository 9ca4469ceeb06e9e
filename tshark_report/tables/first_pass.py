"""Filters that tshark's first pass has answered already, so that no second one is needed.

A filter of frame numbers selects those frames. A flag of tshark's TCP analysis is an expert item that the first pass
has brought for every packet that has it. Both would need the whole capture again: such filters name no host.
"""

from __future__ import annotations

import re

import polars as pl

from tshark_report.tables.analysis import KINDS
from tshark_report.tables.tables import Tables

_FRAMES = re.compile(
    r"(?P<open>\()?frame\.number (?:== (?P<one>\d+)|>= (?P<first>\d+) && frame\.number <= (?P<last>\d+))(?(open)\))"
)
_TEXTS = {name: text for _, text, name in KINDS}


def counted(display_filter: str, tables: Tables) -> int | None:
    """Packets that the filter selects; None where the first pass does not say."""
    text = display_filter.strip()
    if text in _TEXTS:
        said = tables.expert.filter(pl.col("message").str.contains(_TEXTS[text], literal=True))
        return said["frame"].n_unique()
    ranges = []
    for part in text.split(" || "):
        match = _FRAMES.fullmatch(part.strip())
        if match is None:
            return None
        first, last = int(match["one"] or match["first"]), int(match["one"] or match["last"])
        ranges.append((max(first, 1), min(last, tables.packets.height)))
    return _covered(ranges)


def _covered(ranges: list[tuple[int, int]]) -> int:
    total, reached = 0, 0
    for first, last in sorted(ranges):
        start = max(first, reached + 1)
        if last >= start:
            total += last - start + 1
            reached = last
    return total
