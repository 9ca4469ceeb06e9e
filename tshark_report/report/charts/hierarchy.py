"""The protocol hierarchy as an icicle: each protocol stands below the one that carried it, as wide as its bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import htpy
from markupsafe import Markup

from tshark_report.report import formats
from tshark_report.report.charts import drawing
from tshark_report.report.model import HierarchyRow

WIDTH = 820.0
ROW = 24.0
MOST_LEVELS = 9
NARROWEST = 2.0
"""Points of width below which a protocol is left out of the picture; the table has it."""


@dataclass(slots=True)
class Branch:
    """One protocol and what it carried."""

    row: HierarchyRow
    children: list[Branch] = field(default_factory=list)


def icicle(rows: list[HierarchyRow]) -> Markup | None:
    """The picture; None where the hierarchy is empty."""
    roots = _tree(rows)
    total = sum(root.row.bytes for root in roots)
    if not total:
        return None
    shapes: list[htpy.Node] = []
    x, depth = 0.0, 0
    for index, root in enumerate(roots):
        width = root.row.bytes / total * WIDTH
        depth = max(depth, _draw(root, x, 0, width, total, index, shapes))
        x += width
    words = "; ".join(
        f"{row.protocol} {formats.size(row.bytes)}" for row in sorted(rows, key=lambda row: -row.bytes)[:10]
    )
    return drawing.picture(
        "hierarchy",
        WIDTH,
        (depth + 1) * ROW,
        "Protocol hierarchy by bytes",
        f"The largest: {words}. All of it is in the table.",
        shapes,
    )


def _tree(rows: list[HierarchyRow]) -> list[Branch]:
    roots: list[Branch] = []
    stack: list[Branch] = []
    for row in rows:
        branch = Branch(row)
        while stack and stack[-1].row.level >= row.level:
            stack.pop()
        (stack[-1].children if stack else roots).append(branch)
        stack.append(branch)
    return roots


def _draw(branch: Branch, x: float, level: int, width: float, total: int, hue: int, shapes: list[htpy.Node]) -> int:
    """Draw a branch and what is below it; the deepest level that was reached."""
    row = branch.row
    share = f"{row.bytes / total * 100:.1f} %"
    tip = f"{row.protocol}: {formats.plural(row.frames, 'frame')}, {formats.size(row.bytes)} ({share})"
    colour = drawing.SERIES[(hue + level) % len(drawing.SERIES)]
    shapes.append(drawing.rect(x, level * ROW, width - 1, ROW - 1, colour, title=tip, fill_opacity="0.3"))
    label = f"{row.protocol}  {formats.size(row.bytes)}"
    room = int((width - 10) / 6.4)
    if room >= len(label):
        shapes.append(drawing.text(x + 5, level * ROW + 16, label))
    elif room >= len(row.protocol):
        shapes.append(drawing.text(x + 5, level * ROW + 16, row.protocol))
    deepest = level
    if level + 1 >= MOST_LEVELS:
        return deepest
    # A frame can hold one protocol several times, so children may add up to more than their parent.
    carried = sum(child.row.bytes for child in branch.children)
    scale = width / max(row.bytes, carried, 1)
    at = x
    for index, child in enumerate(sorted(branch.children, key=lambda one: -one.row.bytes)):
        wide = child.row.bytes * scale
        if wide >= NARROWEST:
            deepest = max(deepest, _draw(child, at, level + 1, wide, total, hue + index, shapes))
        at += wide
    return deepest
