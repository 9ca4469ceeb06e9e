"""Pictures of trends: everything over time with what grew in colour, and one thing as a port watch shows it."""

from __future__ import annotations

from collections.abc import Sequence

import htpy
from markupsafe import Markup

from tshark_report.report import formats
from tshark_report.report.charts import drawing
from tshark_report.report.charts.drawing import Colour
from tshark_report.trends.model import Grown, Trends

WIDTH, LEFT, RIGHT = 820.0, 150.0, 14.0
PLOT = WIDTH - LEFT - RIGHT
PANEL_HEIGHT, PANEL_GAP = 54.0, 12.0
OVERVIEW_HEIGHT = 110.0
MOST_LABELS = 8
MOST_COLOURS = 5
LABEL_WIDTH = 6.2
"""Width of a character of a bucket's label; those of files may be long."""


def overview(trends: Trends) -> Markup | None:
    """All conversations of each bucket as bars; in them, in colour, those to the ports that grew."""
    kind = next((each for each in trends.counted if each.kind == "port"), trends.counted[0] if trends.counted else None)
    if kind is None or len(trends.buckets) < 2 or not any(kind.records):
        return None
    grown = [each for each in trends.grown if each.kind == kind.kind][:MOST_COLOURS]
    top, most = 26.0, max(kind.records)
    shapes: list[htpy.Node] = [_scale(top, OVERVIEW_HEIGHT, most, "all")]
    x = LEFT
    for each, colour in zip(grown, drawing.SERIES[1:], strict=False):
        shapes += [drawing.rect(x, 4, 11, 11, colour), drawing.text(x + 16, 14, each.title, size=10)]
        x += 34 + len(each.title) * 5.7
    for place, total in enumerate(kind.records):
        parts: list[tuple[int, Colour, str]] = [
            (each.series.records[place], colour, each.title)
            for each, colour in zip(grown, drawing.SERIES[1:], strict=False)
        ]
        parts.append((total - sum(number for number, _, _ in parts), "sky", "everything else"))
        shapes += _stack(place, parts, most, top, trends)
    shapes.append(_labels(trends, top + OVERVIEW_HEIGHT))
    colours = "; ".join(f"{each.title}: {_listed(each.series.records)}" for each in grown)
    return drawing.picture(
        "all-records",
        WIDTH,
        top + OVERVIEW_HEIGHT + 22,
        f"{kind.what[0].upper()}{kind.what[1:]}, all of them, in each {trends.step}",
        f"From the first {trends.step} to the last: {_listed(kind.records)}. {colours}".strip(),
        shapes,
    )


def watch(each: Grown, trends: Trends, key: str) -> Markup:
    """Records, their share of all, sources and targets in each bucket; what stands out is in colour."""
    totals = next(counted.records for counted in trends.counted if counted.kind == each.kind)
    shares = [100 * n / total if total else 0.0 for n, total in zip(each.series.records, totals, strict=True)]
    panels: list[tuple[str, Sequence[float], str]] = [
        ("records", each.series.records, ""),
        ("share of all", shares, " %"),
        ("sources", each.series.sources, ""),
        ("targets", each.series.targets, ""),
    ]
    shapes: list[htpy.Node] = []
    top = 8.0
    for name, values, unit in panels:
        most = max(values, default=0) or 1
        shapes.append(_scale(top, PANEL_HEIGHT, most, name, unit))
        for place, value in enumerate(values):
            tip = f"{trends.buckets[place].label}: {_number(value)}{unit} {name}".strip()
            colour: Colour = "orange" if place >= each.onset else "grey"
            shapes.append(_bar(place, 0, value, most, top, PANEL_HEIGHT, len(values), colour, tip))
        top += PANEL_HEIGHT + PANEL_GAP
    shapes.append(_labels(trends, top - PANEL_GAP))
    words = "; ".join(f"{name}{unit and ' in percent'}: {_listed(values)}" for name, values, unit in panels)
    return drawing.picture(
        key, WIDTH, top + 12, f"{each.title} in each {trends.step}", f"From first to last. {words}.", shapes
    )


def _stack(
    place: int, parts: Sequence[tuple[int, Colour, str]], most: float, top: float, trends: Trends
) -> list[htpy.Node]:
    made, below = [], 0
    for number, colour, name in reversed(parts):
        if number > 0:
            tip = f"{trends.buckets[place].label}: {number:,} {name}"
            made.append(_bar(place, below, number, most, top, OVERVIEW_HEIGHT, len(trends.buckets), colour, tip))
        below += number
    return list(made)


def _bar(
    place: int,
    below: float,
    value: float,
    most: float,
    top: float,
    height: float,
    number: int,
    colour: Colour,
    tip: str,
) -> htpy.Node:
    if value <= 0:
        return None
    step = PLOT / number
    size = value / most * height
    y = top + height - (below + value) / most * height
    return drawing.rect(LEFT + place * step + step * 0.1, y, step * 0.8, size, colour, title=tip)


def _scale(top: float, height: float, most: float, name: str, unit: str = "") -> list[htpy.Node]:
    return [
        drawing.line(LEFT, top, WIDTH - RIGHT, top),
        drawing.line(LEFT, top + height, WIDTH - RIGHT, top + height, "muted"),
        drawing.text(LEFT - 10, top + height / 2 + 4, name, anchor="end", bold=True),
        drawing.text(LEFT - 10, top + 9, f"{_number(most)}{unit}", anchor="end", size=10, fill="muted"),
    ]


def _labels(trends: Trends, y: float) -> list[htpy.Node]:
    number = len(trends.buckets)
    longest = max(len(bucket.label) for bucket in trends.buckets)
    room = max(1, min(MOST_LABELS, int(PLOT / (min(longest, 24) * LABEL_WIDTH + 12))))
    every = -(-number // room)
    return [
        drawing.text(
            LEFT + (place + 0.5) * PLOT / number,
            y + 14,
            drawing.shorten(trends.buckets[place].label, 24),
            size=10,
            fill="muted",
            anchor="middle",
        )
        for place in range(0, number, every)
    ]


def _number(value: float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else formats.count(value)


def _listed(values: Sequence[float], most: int = 40) -> str:
    """Numbers for those who do not see the picture; the last ones where there are many."""
    shown = values[-most:]
    return ("... " if len(values) > most else "") + ", ".join(_number(value) for value in shown)
