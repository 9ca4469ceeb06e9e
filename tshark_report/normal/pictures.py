"""Pictures of a baseline: the hours of the day, what is used most, and how amounts and times spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import htpy
from markupsafe import Markup

from tshark_report.normal import amounts
from tshark_report.normal.model import Bins
from tshark_report.report.charts import drawing
from tshark_report.report.charts.drawing import Colour
from tshark_report.story.words import count

WIDTH = 820.0
LEFT, RIGHT, TOP, STEP = 250.0, 90.0, 26.0, 20.0
MOST_BARS = 14
TICKS = 6


def hours_of_day(counts: Mapping[str, int], covered: Mapping[str, int], key: str) -> Markup | None:
    """24 columns: captures in which there was activity, before those that cover the hour at all."""
    if not covered:
        return None
    most = max([*covered.values(), *counts.values(), 1])
    height, wide = 90.0, (WIDTH - 40) / 24
    shapes: list[htpy.Node] = [drawing.line(30, height + 8, WIDTH - 8, height + 8)]
    for hour in range(24):
        x = 34 + hour * wide
        there, active = covered.get(str(hour), 0), counts.get(str(hour), 0)
        columns: tuple[tuple[int, Colour, str], ...] = ((there, "grid", "covered by"), (active, "blue", "active in"))
        for number, colour, words in columns:
            if number:
                tall = number / most * height
                title = f"{hour:02d}:00 UTC: {words} {count(number, 'capture')}"
                shapes.append(drawing.rect(x, height + 8 - tall, wide - 4, tall, colour, title=title))
        shapes.append(drawing.text(x + wide / 2 - 2, height + 22, f"{hour:02d}", size=9.5, anchor="middle"))
    active_hours = ", ".join(f"{int(h):02d}" for h in sorted(counts, key=int)) or "none"
    return drawing.picture(
        key, WIDTH, height + 30, "Hours of the day, UTC",
        f"Active in hours {active_hours}; grey: hours that the captures cover.", shapes,
    )  # fmt: skip


def bars(rows: Sequence[tuple[str, int]], key: str, title: str, noun: str) -> Markup | None:
    """A bar for each name, longest first."""
    shown = [(name, number) for name, number in rows if number > 0][:MOST_BARS]
    if not shown:
        return None
    most = max(number for _, number in shown)
    shapes: list[htpy.Node] = []
    for at, (name, number) in enumerate(shown):
        y = 4 + at * STEP
        wide = number / most * (WIDTH - LEFT - RIGHT)
        shapes += [
            drawing.text(LEFT - 8, y + 13, drawing.shorten(name, 42), anchor="end", size=10.5),
            drawing.rect(LEFT, y + 2, wide, 14, "blue", title=f"{name}: {number:,} {noun}"),
            drawing.text(LEFT + wide + 6, y + 13, f"{number:,}", size=10.5),
        ]
    words = "; ".join(f"{name} {number:,}" for name, number in shown)
    return drawing.picture(key, WIDTH, 8 + len(shown) * STEP, title, f"{noun.capitalize()}: {words}.", shapes)


def spreads(rows: Sequence[tuple[str, Bins]], key: str, title: str, write: Callable[[float], str]) -> Markup | None:
    """For each name a line from the 5 % to the 95 % quantile with the median on it, on a logarithmic scale."""
    known = [(name, *_spread(bins)) for name, bins in rows if amounts.count(bins) > 0][:MOST_BARS]
    if not known:
        return None
    low = min(max(row[1], 1e-6) for row in known)
    high = max(max(row[4] for row in known), low * 10)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    span = max(last - first, 1)

    def place(value: float) -> float:
        share = (math.log10(max(value, 10**first)) - first) / span
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    bottom = TOP + len(known) * STEP
    shapes: list[htpy.Node] = []
    every = max(1, math.ceil(span / TICKS))
    for power in range(first, last + 1, every):
        x = place(10.0**power)
        shapes += [
            drawing.line(x, TOP - 6, x, bottom),
            drawing.text(x, TOP - 10, write(10.0**power), size=9.5, anchor="middle", fill="muted"),
        ]
    for at, (name, small, middle, large, largest) in enumerate(known):
        y = TOP + at * STEP + 9
        tip = f"{name}: median {write(middle)}, 5 % {write(small)}, 95 % {write(large)}, largest {write(largest)}"
        shapes += [
            drawing.text(LEFT - 8, y + 4, drawing.shorten(name, 42), anchor="end", size=10.5),
            drawing.line(place(small), y, place(largest), y, "grey", 1),
            drawing.rect(place(small), y - 3, place(large) - place(small), 6, "sky", title=tip),
            drawing.circle(place(middle), y, 4, "blue", title=tip),
            drawing.text(WIDTH - 8, y + 4, write(middle), size=10.5, anchor="end"),
        ]
    words = "; ".join(f"{name}: median {write(m)}, 95 % {write(p)}" for name, _, m, p, _ in known)
    return drawing.picture(key, WIDTH, bottom + 6, title, words, shapes)


def _spread(bins: Bins) -> tuple[float, float, float, float]:
    """5 %, median, 95 % and largest."""
    return tuple(amounts.quantile(bins, share) or 0.0 for share in (0.05, 0.5, 0.95, 1.0))  # type: ignore[return-value]
