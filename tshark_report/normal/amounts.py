"""Quantiles of many numbers in little room: DDSketch, as the `ddsketch` package implements it.

DDSketch (Masson, Rim and Lee, VLDB 2019) counts values in bins that grow by a fixed factor, so every quantile is right
within a fixed relative error, and two sketches merge by adding their bins: in any order, with the same result. Other
sketches (KLL, t-digest) draw lots or depend on the order, so that the same captures would give two different files.
The bins are plain numbers, and those stand in the file: nothing of a library's own format is ever read back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import LogarithmicMapping
from ddsketch.store import DenseStore

from tshark_report.normal.model import EMPTY, Bins

ERROR = 0.05
"""Relative error of every quantile: what is called unusual differs by a factor, not by percents."""
LOWEST, HIGHEST = 1e-6, 1e15
"""Values that are told apart: a microsecond, a petabyte. Smaller ones count as zero, larger ones as the largest."""

_MAPPING = LogarithmicMapping(ERROR)
FIRST_BIN, LAST_BIN = _MAPPING.key(LOWEST), _MAPPING.key(HIGHEST)


def _sketch(bins: Bins) -> tuple[BaseDDSketch, DenseStore]:
    """The library's sketch of these bins, and its store of positive values."""
    store = DenseStore()
    for key, count in bins.counts:
        store.add(key, count)
    return BaseDDSketch(_MAPPING, store, DenseStore(), bins.zero), store


def _bins(sketch: BaseDDSketch, store: DenseStore) -> Bins:
    counts = [(store.offset + at, int(count)) for at, count in enumerate(store.bins) if count > 0]
    return Bins(int(sketch.count - store.count), counts)


def of(values: Iterable[float | None]) -> Bins:
    """The bins of these values; what is no number, or below zero, is left out."""
    sketch, store = _sketch(EMPTY)
    for value in values:
        if value is not None and value >= 0 and math.isfinite(value):
            sketch.add(0.0 if value < LOWEST else min(float(value), HIGHEST))
    return _bins(sketch, store)


def merged(a: Bins, b: Bins) -> Bins:
    """What both have counted."""
    if not count(b):
        return a
    if not count(a):
        return b
    sketch, store = _sketch(a)
    sketch.merge(_sketch(b)[0])
    return _bins(sketch, store)


def count(bins: Bins) -> int:
    """How many values were counted."""
    return bins.zero + sum(number for _, number in bins.counts)


def quantile(bins: Bins, share: float) -> float | None:
    """The value that `share` of all values (0 to 1) do not exceed, within ERROR; None where there are none."""
    value = _sketch(bins)[0].get_quantile_value(share)
    return None if value is None else float(value)


def median(bins: Bins) -> float | None:
    """Half of the values do not exceed it."""
    return quantile(bins, 0.5)


def largest(bins: Bins) -> float | None:
    """The largest value, within ERROR."""
    return quantile(bins, 1.0)


def fits(bins: Bins) -> bool:
    """Whether bins from a file are such as this module writes."""
    keys = [key for key, _ in bins.counts]
    return (
        bins.zero >= 0
        and all(FIRST_BIN <= key <= LAST_BIN for key in keys)
        and all(0 < number < 2**53 for _, number in bins.counts)
        and keys == sorted(set(keys))
    )
