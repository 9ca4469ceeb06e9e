"""How regular a series of moments is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tshark_report.report.model import Priority
from tshark_report.rules.checkins._words import seconds


@dataclass(frozen=True)
class Rhythm:
    """How regular a series of moments is. Seconds."""

    contacts: int
    median: float
    spread: float
    """Median absolute deviation of the gaps from their median."""
    run: int
    """Longest run of consecutive gaps that lie within RUN_TOLERANCE of the run's own mean."""
    shortest: float
    longest: float
    span: float

    @property
    def jitter(self) -> float:
        """Spread as a share of the median: 0 is a clock; uniform jitter of +-50 % gives 0.25; chance (Poisson) 0.69."""
        return self.spread / self.median if self.median > 0 else 1.0

    def words(self) -> str:
        """`5.0 s (median; half of the gaps within 0.1 s of it, most between 4.9 s and 6.7 s)`."""
        return (
            f"{seconds(self.median)} (median; half of the gaps within {seconds(self.spread)} of it, "
            f"most between {seconds(self.shortest)} and {seconds(self.longest)})"
        )


RUN_TOLERANCE = 0.5
"""A gap belongs to a regular run where it lies within this share of the run's mean: agents that sleep 30 to 60 s do."""


def rhythm(times: Sequence[float]) -> Rhythm | None:
    """The rhythm of sorted moments; None for fewer than three."""
    if len(times) < 3:
        return None
    gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
    middle = median(gaps)
    spread = median(abs(gap - middle) for gap in gaps)
    best = run = 0
    total = 0.0
    for gap in gaps:
        if run and abs(gap - total / run) <= RUN_TOLERANCE * total / run:
            run, total = run + 1, total + gap
        else:
            run, total = 1, gap
        best = max(best, run)
    ordered = sorted(gaps)
    tail = len(ordered) // 20
    return Rhythm(len(times), middle, spread, best, ordered[tail], ordered[-1 - tail], times[-1] - times[0])


def apart(times: Iterable[float], pause: float) -> list[float]:
    """Moments that come at least `pause` seconds after the last kept one's burst: parallel connections count once."""
    kept: list[float] = []
    last = float("-inf")
    for moment in sorted(times):
        if moment - last >= pause:
            kept.append(moment)
        last = moment
    return kept


def interval(rhythm: Rhythm, priority: Priority) -> str:
    """`at a beacon-like regular interval of 5.0 s (...)`; without the word where the contact is likely harmless."""
    kind = "at a beacon-like regular interval" if priority in ("high", "medium") else "at a regular interval"
    return f"{kind} of {rhythm.words()}"
