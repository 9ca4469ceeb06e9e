"""A comparison as one HTML page, on screen or for paper: no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import htpy
from markupsafe import Markup

from tshark_report.compare.model import Comparison, Only, Parting
from tshark_report.report import tabular
from tshark_report.report import templates as template_files
from tshark_report.report.charts import drawing
from tshark_report.report.charts.drawing import Colour
from tshark_report.report.escape import displayable
from tshark_report.report.model import Cell, Column, ColumnType, LineUp
from tshark_report.report.sheet import styled
from tshark_report.report.tabular import Grid
from tshark_report.story.words import took

ROWS, PAPER_ROWS = 100, 30
WIDTH, LEFT, RIGHT, STEP = 820.0, 250.0, 90.0, 17.0
MOST_BARS = 6


@dataclass(frozen=True)
class Lined:
    """Packets of one capture under each other; `at` is the frame where the two part."""

    label: str
    line_up: LineUp
    at: int | None
    rows: list[tuple[int, list[tuple[str, bool]]]]


def page(comparison: Comparison, *, paper: bool = False) -> str:
    """The whole page.

    Raises:
        RenderFailed: the installation lacks its templates.
    """
    shown = displayable(comparison)
    cap = PAPER_ROWS if paper else ROWS
    context: dict[str, object] = {
        **styled(),
        "paper": paper,
        "c": shown,
        "sides": [shown.good, shown.bad],
        "times": where_time_went(shown),
        "lined": _lined(shown),
        "grids": {
            "differences": _differences(shown, cap, paper),
            "partings": _partings(shown, cap),
            "only_good": _only(f"Only in {shown.good.label}", shown.only_good, shown.only_good_total, cap),
            "only_bad": _only(f"Only in {shown.bad.label}", shown.only_bad, shown.only_bad_total, cap),
        },
    }
    return template_files.fill("compare.html.j2", None, context)


def _columns(*pairs: tuple[str, ColumnType]) -> list[Column]:
    return [Column(name=name, type=kind) for name, kind in pairs]


def _differences(c: Comparison, cap: int, paper: bool) -> Grid:
    filters: tuple[tuple[str, ColumnType], ...] = () if paper else (("Display filter, second capture", "text"),)
    columns = _columns(
        ("Exchange", "text"), ("Where", "text"), ("Measure", "text"), (c.good.label, "text"), (c.bad.label, "text"),
        ("Tells", "text"), ("Frame, first", "frame"), ("Frame, second", "frame"), *filters,
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            d.exchange, d.area, d.aspect, d.good, d.bad, "yes" if d.telling else "", d.good_frame, d.bad_frame,
            *(() if paper else (d.bad_filter,)),
        ]
        for d in c.differences
    ]  # fmt: skip
    return tabular.grid("Where the same exchange differs", columns, rows, c.differences_total, cap=cap, one_day=True,
                        noun="differences", longest=120)  # fmt: skip


def _partings(c: Comparison, cap: int) -> Grid:
    columns = _columns(("Exchange", "text"), ("Where", "text"), ("How they part", "text"), ("Frame, first", "frame"),
                       ("Frame, second", "frame"), ("Time, second", "time"))  # fmt: skip
    rows: list[list[Cell]] = [[p.exchange, p.area, p.words, p.good_frame, p.bad_frame, p.bad_time] for p in c.partings]
    return tabular.grid("First packets where exchanges part", columns, rows, len(rows), cap=cap, one_day=False,
                        noun="partings", longest=300)  # fmt: skip


def _only(caption: str, found: Sequence[Only], total: int, cap: int) -> Grid:
    columns = _columns(("Kind", "text"), ("What", "text"), ("How much", "text"), ("First frame", "frame"),
                       ("Display filter", "text"))  # fmt: skip
    rows: list[list[Cell]] = [[o.kind, o.what, o.amount, o.first_frame, o.display_filter] for o in found]
    return tabular.grid(caption, columns, rows, total, cap=cap, one_day=True, noun="things", longest=120)


def _lined(c: Comparison) -> list[Lined]:
    if c.lined_up is None or c.parting is None:
        return []
    sides = ((c.good.label, c.lined_up.good, c.parting.good_frame), (c.bad.label, c.lined_up.bad, c.parting.bad_frame))
    return [Lined(label, one, at, _rows(one)) for label, one, at in sides if one is not None]


def _rows(one: LineUp) -> list[tuple[int, list[tuple[str, bool]]]]:
    odd = set(one.odd)
    return [
        (frame, [(value, (row, column) in odd) for column, value in enumerate(values)])
        for row, (frame, values) in enumerate(zip(one.frames, one.rows, strict=True))
    ]


def where(parting: Parting, good: str, bad: str) -> str:
    """The two frames of a parting, in words."""
    parts = [
        f"frame {frame} of {label}"
        for frame, label in ((parting.good_frame, good), (parting.bad_frame, bad))
        if frame is not None
    ]
    return " and ".join(parts)


def where_time_went(c: Comparison) -> Markup | None:
    """For each exchange two bars: the round trip and the server's time, in the first and in the second capture."""
    rows = [t for t in c.times if any((t.good_rtt, t.bad_rtt, t.good_think, t.bad_think))]
    rows.sort(key=lambda t: -abs(((t.bad_think or 0) + (t.bad_rtt or 0)) - ((t.good_think or 0) + (t.good_rtt or 0))))
    rows = rows[:MOST_BARS]
    if not rows:
        return None
    longest = max((t.good_rtt or 0) + (t.good_think or 0) for t in rows)
    longest = max(longest, *((t.bad_rtt or 0) + (t.bad_think or 0) for t in rows))
    parts: tuple[tuple[str, Colour], ...] = (("round trip", "sky"), ("server at work", "orange"))
    shapes: list[htpy.Node] = []
    x = LEFT
    for name, colour in parts:
        shapes += [drawing.rect(x, 4, 11, 11, colour), drawing.text(x + 16, 14, name, size=10)]
        x += 40 + len(name) * 6
    y, words = 26.0, []
    for one in rows:
        shapes.append(drawing.text(4, y + 12, drawing.shorten(one.exchange, 38), size=10.5, bold=True))
        for label, rtt, think in (
            (c.good.label, one.good_rtt, one.good_think), (c.bad.label, one.bad_rtt, one.bad_think),
        ):  # fmt: skip
            y += STEP
            shapes.append(drawing.text(LEFT - 8, y + 12, drawing.shorten(label, 38), size=10, anchor="end"))
            x = LEFT
            for seconds, (name, colour) in zip((rtt, think), parts, strict=True):
                wide = (seconds or 0) / longest * (WIDTH - LEFT - RIGHT) if longest else 0
                if seconds:
                    shapes.append(drawing.rect(x, y + 2, wide, 12, colour, title=f"{name}: {took(seconds)}"))
                x += wide
            total = took((rtt or 0) + (think or 0))
            shapes.append(drawing.text(x + 6, y + 12, total, size=10))
            words.append(f"{one.exchange} in {label}: {total}")
        y += STEP + 6
    return drawing.picture("times", WIDTH, y + 4, "Where the time went", f"Medians. {'; '.join(words)}.", shapes)
