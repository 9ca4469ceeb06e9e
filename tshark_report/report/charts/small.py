"""Small pictures: one field over the lined-up packets, and where the time of a request goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import htpy
from markupsafe import Markup

from tshark_report.report import formats
from tshark_report.report.charts import drawing
from tshark_report.report.charts.drawing import Colour
from tshark_report.report.model import LineUp, LineUpMark, PathTiming

WIDTH = 820.0
SPARK_WIDTH, SPARK_HEIGHT = 220.0, 64.0
MOST_SPARKS = 8
MOST_PATHS = 8
MARK_COLOUR: dict[LineUpMark, Colour] = {"constant": "grey", "counting": "blue", "odd": "red", "varying": "muted"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|0[xX][0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Spark:
    """A field over packet number, drawn, with the words for those who do not see it."""

    name: str
    sign: str
    words: str
    picture: Markup


def value_of(text: str) -> float | None:
    """The number that a field's text is, if it is one; of several (`1,2`) the first."""
    first = text.split(",", 1)[0].strip()
    if _NUMBER.fullmatch(first) is None:
        return None
    return float(int(first, 16)) if first[:2].lower() == "0x" else float(first)


def sparks(line_up: LineUp, key: str) -> list[Spark]:
    """One small picture for each numeric column that moves; `key` must be unique in the page.

    A column of one value is no picture: its heading says that it is constant.
    """
    drawn: list[Spark] = []
    for index, column in enumerate(line_up.columns):
        values = [value_of(row[index]) for row in line_up.rows]
        known = [value for value in values if value is not None]
        if len(known) < 3 or len(known) * 2 < len(values) or min(known) == max(known):
            continue
        odd = {row for row, at in line_up.odd if at == index}
        low, high = min(known), max(known)
        name = column.name.removesuffix(" s")
        figure = formats.duration if name != column.name else _figure
        mark = "constant for each sender" if column.mark == "constant" else formats.MARK_WORDS[column.mark]
        words = f"{mark}, {figure(low)} to {figure(high)}"
        picture = _spark(values, odd, column.mark, f"{key}-{index}", f"{name} over packet number", words)
        drawn.append(Spark(name, formats.MARK_SIGN[column.mark], words, picture))
    return drawn[:MOST_SPARKS]


def _figure(value: float) -> str:
    """Three digits of a small number: an interval of 0.004 s is not 0.00."""
    return formats.count(value) if value.is_integer() or abs(value) >= 10 else f"{value:.3g}"


def _spark(values: Sequence[float | None], odd: set[int], mark: LineUpMark, key: str, title: str, words: str) -> Markup:
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    inner = SPARK_HEIGHT - 16

    def place(index: int, value: float) -> tuple[float, float]:
        x = 6 + index / max(len(values) - 1, 1) * (SPARK_WIDTH - 12)
        share = 0.5 if high == low else (value - low) / span
        return x, 8 + (1 - share) * inner

    points = [(index, place(index, value)) for index, value in enumerate(values) if value is not None]
    shapes: list[htpy.Node] = [
        drawing.rect(0, 0, SPARK_WIDTH, SPARK_HEIGHT, "panel", rx=3),
        drawing.path(drawing.polyline([at for _, at in points]), "grid", 1),
    ]
    # One path of round dots: a circle for each packet would be a fifth of the whole page's elements.
    dots = "".join(f"M{drawing.number(x)} {drawing.number(y)}h0" for index, (x, y) in points if index not in odd)
    if dots:
        shapes.append(drawing.path(dots, MARK_COLOUR[mark], 4, stroke_linecap="round"))
    for index, (x, y) in points:
        if index in odd:
            shapes += [drawing.circle(x, y, 5.5, "none", stroke="red"), drawing.circle(x, y, 2.5, "red")]
    return drawing.picture(key, SPARK_WIDTH, SPARK_HEIGHT, title, words, shapes, css="spark")


def path_times(paths: list[PathTiming]) -> Markup | None:
    """For each client and server: how long the network and the two programs took, as one bar."""
    parts = (
        ("client side of the network", "sky"),
        ("server side of the network", "blue"),
        ("server at work", "orange"),
    )
    rows = [(path, _times(path)) for path in paths]
    rows = [(path, times) for path, times in rows if sum(times) > 0][:MOST_PATHS]
    if not rows:
        return None
    longest = max(sum(times) for _, times in rows)
    left, right, top, step = 270.0, 60.0, 30.0, 24.0
    shapes: list[htpy.Node] = []
    x = left
    for name, colour in parts:
        shapes += [drawing.rect(x, 6, 11, 11, _colour(colour)), drawing.text(x + 16, 16, name, size=10)]
        x += 34 + len(name) * 5.7
    for index, (path, times) in enumerate(rows):
        y = top + index * step
        label = f"{path.client} \u2192 {path.server}:{path.port}"
        shapes.append(drawing.text(left - 8, y + 13, drawing.shorten(label, 46), anchor="end", size=10.5))
        x = left
        for seconds, (name, colour) in zip(times, parts, strict=True):
            width = seconds / longest * (WIDTH - left - right)
            if seconds > 0:
                shapes.append(
                    drawing.rect(x, y + 2, width, 15, _colour(colour), title=f"{name}: {formats.duration(seconds)}")
                )
            x += width
        shapes.append(drawing.text(x + 6, y + 13, formats.duration(sum(times)), size=10.5))
    words = "; ".join(
        f"{path.client} to {path.server} port {path.port}: "
        + ", ".join(f"{name} {formats.duration(seconds)}" for seconds, (name, _) in zip(times, parts, strict=True))
        for path, times in rows
    )
    return drawing.picture(
        "path-times", WIDTH, top + len(rows) * step + 4, "Where the time went", f"Medians. {words}.", shapes
    )


def _colour(name: str) -> Colour:
    return {"sky": "sky", "blue": "blue", "orange": "orange"}[name]  # type: ignore[return-value]


def _times(path: PathTiming) -> tuple[float, float, float]:
    """Client side, server side and server at work; where the sides are unknown the whole round trip is the server's."""
    client, server = path.rtt_client_s or 0.0, path.rtt_server_s or 0.0
    if not client and not server:
        server = path.rtt_s or 0.0
    return client, server, path.server_think_s or 0.0
