"""When did a series break out of its own past, and is that explained by everything having grown?

A bucket is held against all buckets before it. Median and median absolute deviation (MAD), unlike mean and standard
deviation, do not follow a few odd buckets (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). Counts
scatter by chance even where the past looks constant, so the scale is never less than that of counting independent
events, the square root of the median.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

MAD_TO_SIGMA = 1.4826
"""The MAD of a normal distribution times this is its standard deviation."""
SCORE = 6.0
"""Robust z-score from which a bucket stands out; 3.5 is usual for one series, and here are thousands."""
FACTOR = 3.0
"""How many times its own median a bucket must have: after a few like days any change makes a large score."""
ABOVE_BEFORE = 2.0
"""How many times the highest bucket before: what was as high before, a weekly backup say, is no news."""

Verdict = Literal["grown", "grew with the total", "was as high before"]


@dataclass(frozen=True)
class Judged:
    """A bucket that stands out by its count, and what its share and its past say about it."""

    verdict: Verdict
    at: int
    median: float
    most: int
    count_score: float
    share_score: float
    share_before: float


@dataclass(frozen=True)
class Limits:
    """From when on something has grown."""

    history: int
    """Buckets that must lie before."""
    least: int
    """Records that a bucket must have."""
    score: float = SCORE


def judged(records: Sequence[int], totals: Sequence[int], limits: Limits) -> Judged | None:
    """The first bucket in which a series has grown; else the first that only seems so; None where none stands out.

    Args:
        records: how often, bucket by bucket.
        totals: how often everything of the same kind, this included.
        limits: from when on.
    """
    counts, all_counts = np.asarray(records, dtype=float), np.asarray(totals, dtype=float)
    shares = np.divide(counts, all_counts, out=np.zeros_like(counts), where=all_counts > 0)
    passed: Judged | None = None
    for at in range(limits.history, len(counts)):
        if counts[at] < limits.least:
            continue
        before = counts[:at]
        median, most = float(np.median(before)), float(before.max())
        count_score = _score(counts[at], before, max(1.0, median) ** 0.5)
        if count_score < limits.score or counts[at] < FACTOR * median:
            continue
        share_before = float(np.median(shares[:at]))
        # The share of one record in this bucket is the least that there can be.
        chance = (max(share_before, 1 / all_counts[at]) / all_counts[at]) ** 0.5
        share_score = _score(shares[at], shares[:at], chance)
        verdict: Verdict = "grown"
        if share_score < limits.score or shares[at] < FACTOR * share_before:
            verdict = "grew with the total"
        elif counts[at] < ABOVE_BEFORE * most:
            verdict = "was as high before"
        found = Judged(verdict, at, median, int(most), count_score, share_score, share_before)
        if verdict == "grown":
            return found
        passed = passed or found
    return passed


def _score(value: float, before: np.ndarray, least: float) -> float:
    median = np.median(before)
    scale = max(MAD_TO_SIGMA * float(np.median(np.abs(before - median))), least)
    return float((value - median) / scale)
