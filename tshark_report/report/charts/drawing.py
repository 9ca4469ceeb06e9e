"""The pieces that all charts share: elements, colours, axes.

Charts are composed of htpy elements: it is typed, escapes every text and attribute, and
imports in 0.04 s. The chart libraries that were looked at fell short here: pygal writes a
style sheet with a random id and a link to a script into every picture, svg.py escapes nothing.

Every shape carries its colour twice: as an attribute, which is all that WeasyPrint reads
and what stands on paper, and as a class, by which the style sheet recolours it for a dark screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import htpy
from markupsafe import Markup

Colour = Literal["ink", "muted", "grid", "panel", "blue", "orange", "green", "red", "purple", "sky", "grey", "none"]
Anchor = Literal["start", "middle", "end"]

PAPER: dict[Colour, str] = {
    "ink": "#1b1f24",
    "muted": "#55606b",
    "grid": "#d5dae0",
    "panel": "#f1f4f7",
    # Okabe and Ito's palette: told apart by people with any common colour blindness.
    "blue": "#0072b2",
    "orange": "#e69f00",
    "green": "#009e73",
    "red": "#d55e00",
    "purple": "#a3508a",
    "sky": "#56b4e9",
    "grey": "#8a949e",
    "none": "none",
}
SERIES: tuple[Colour, ...] = ("blue", "orange", "green", "purple", "sky", "red")
FONT = "system-ui, sans-serif"

_STEPS_S = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000, 157680000,
)  # fmt: skip
"""Distances between time ticks that people read easily, in seconds."""


def number(value: float) -> str:
    """A coordinate with one decimal: enough for the eye, and small files."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def element(tag: str, children: htpy.Node = None, /, **attributes: str | float | None) -> htpy.Element:
    """An SVG element; numbers are rounded, `_` in a name becomes `-`, None leaves an attribute out."""
    plain = {
        key: number(value) if isinstance(value, (int, float)) else value
        for key, value in attributes.items()
        if value is not None
    }
    made = htpy.Element(tag)(**plain)
    return made[children] if children is not None else made


def rect(
    x: float, y: float, width: float, height: float, fill: Colour, *, title: str = "", **more: str | float
) -> htpy.Element:
    """A filled rectangle, with a tool tip when it has a title."""
    return element(
        "rect",
        _tip(title),
        x=x,
        y=y,
        width=max(width, 0.4),
        height=max(height, 0.4),
        fill=PAPER[fill],
        class_=f"f-{fill}",
        **more,
    )


def line(
    x1: float, y1: float, x2: float, y2: float, stroke: Colour = "grid", width: float = 1, **more: str | float
) -> htpy.Element:
    """A straight line."""
    return element(
        "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=PAPER[stroke], class_=f"s-{stroke}", stroke_width=width, **more
    )


def path(d: str, stroke: Colour, width: float = 1.5, *, title: str = "", **more: str | float) -> htpy.Element:
    """An open path, not filled."""
    return element(
        "path", _tip(title), d=d, fill="none", stroke=PAPER[stroke], class_=f"s-{stroke}", stroke_width=width, **more
    )


def area(d: str, fill: Colour, **more: str | float) -> htpy.Element:
    """A closed, filled path."""
    return element("path", d=d, fill=PAPER[fill], class_=f"f-{fill}", **more)


def circle(
    x: float, y: float, r: float, fill: Colour, *, title: str = "", stroke: Colour | None = None
) -> htpy.Element:
    """A dot."""
    classes = f"f-{fill}" + (f" s-{stroke}" if stroke else "")
    return element(
        "circle",
        _tip(title),
        cx=x,
        cy=y,
        r=r,
        fill=PAPER[fill],
        class_=classes,
        stroke=PAPER[stroke] if stroke else None,
    )


def text(
    x: float,
    y: float,
    content: str,
    *,
    size: float = 11,
    fill: Colour = "ink",
    anchor: Anchor = "start",
    bold: bool = False,
) -> htpy.Element:
    """A line of text whose baseline is at `y`."""
    return element(
        "text",
        content,
        x=x,
        y=y,
        font_size=size,
        fill=PAPER[fill],
        class_=f"f-{fill}",
        text_anchor=None if anchor == "start" else anchor,
        font_weight="bold" if bold else None,
    )


def link(anchor: str, children: htpy.Node) -> htpy.Element:
    """A link to a place in the same page."""
    return element("a", children, href=f"#{anchor}")


def picture(
    key: str,
    width: float,
    height: float,
    title: str,
    description: str,
    children: Iterable[htpy.Node],
    *,
    css: str = "",
    linked: bool = False,
) -> Markup:
    """The whole drawing: it scales with its container, and its title and description are read out.

    `key` names the drawing within the page; ids made of it must be unique. `linked` says that there are links in it:
    an image could not be entered to follow them.
    """
    root = element(
        "svg",
        [
            element("title", title, id=f"{key}-title"),
            element("desc", description, id=f"{key}-desc"),
            *children,
        ],
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        font_family=FONT,
        class_=f"chart {css}".strip(),
        role="group" if linked else "img",
        **{"aria_labelledby": f"{key}-title {key}-desc"},
    )
    return Markup(str(root))  # noqa: S704  (htpy has escaped all of it)


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """Path data through the points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def shorten(content: str, limit: int) -> str:
    """At most `limit` characters; what is cut is in the middle, as both ends of an address tell most."""
    if len(content) <= limit:
        return content
    head = (limit - 1) * 2 // 3
    return f"{content[:head]}\u2026{content[len(content) - (limit - 1 - head) :]}"


def time_ticks(start: datetime, seconds: float, most: int = 7) -> list[tuple[float, str]]:
    """Ticks as (seconds after `start`, label), on round UTC times, at most about `most`."""
    step = next((step for step in _STEPS_S if seconds / step <= most), seconds / most)
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    origin = day if step <= 86400 else datetime(1970, 1, 1, tzinfo=UTC)
    offset = (start - origin).total_seconds()
    first = math.ceil(offset / step - 1e-9) * step - offset
    ticks: list[tuple[float, str]] = []
    at = first
    while at <= seconds + step * 1e-6 and len(ticks) <= most + 1:
        ticks.append((at, _tick_label(start + timedelta(seconds=at), step)))
        at += step
    return ticks


def _tick_label(moment: datetime, step: float) -> str:
    if step >= 86400:
        return f"{moment:%Y-%m-%d}"
    if step >= 3600 and (moment.hour, moment.minute) == (0, 0):
        return f"{moment:%m-%d}"
    if step >= 60:
        return f"{moment:%H:%M}"
    if step >= 1:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _tip(title: str) -> htpy.Element | None:
    return element("title", title) if title else None
