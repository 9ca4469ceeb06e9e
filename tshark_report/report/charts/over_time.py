"""Traffic over time, with the findings marked on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import htpy
from markupsafe import Markup

from tshark_report.report import formats
from tshark_report.report.charts import drawing
from tshark_report.report.charts.drawing import Colour
from tshark_report.report.model import Finding, Priority, Report, Traffic

WIDTH = 820.0
LEFT = 150.0
RIGHT = 14.0
TOP = 18.0
MOST_LANES = 6
SMALL_HEIGHT = 42.0
MOST_SMALL = 6
MARK_COLOUR: dict[Priority, Colour] = {"high": "red", "medium": "orange", "low": "blue", "info": "grey"}


@dataclass(frozen=True, slots=True)
class Clock:
    """The horizontal axis: a span of time over the width of the plot."""

    start: datetime
    seconds: float

    def x(self, moment: datetime) -> float:
        """Where a moment stands, kept within the plot."""
        share = (moment - self.start).total_seconds() / self.seconds
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)


def clock_of(traffic: Traffic) -> Clock | None:
    """The axis of the traffic; None where there is no time to draw."""
    start = formats.parse_time(traffic.start)
    seconds = traffic.bucket_s * traffic.buckets
    if start is None or seconds <= 0 or not traffic.series:
        return None
    return Clock(start, seconds)


def timeline(
    report: Report, anchors: dict[str, str], *, plot_height: float = 96.0, lane_height: float = 24.0
) -> Markup | None:
    """Bytes per bucket, and below them one lane for each starting point with its findings as marks.

    Args:
        report: what to draw.
        anchors: the place in the page of each finding.
        plot_height: height of the bars' part; all is 820 wide.
        lane_height: height of each line of marks.
    """
    clock = clock_of(report.statistics.traffic)
    if clock is None:
        return None
    totals = total_bytes(report.statistics.traffic)
    lanes = _lanes(report)
    height = TOP + plot_height + 22 + lane_height * len(lanes) + 6
    lanes_top = TOP + plot_height + 22
    children: list[htpy.Node] = [
        _axis(clock, TOP, plot_height, lanes_top + lane_height * len(lanes)),
        _scale(TOP, plot_height, max(totals, default=0), report.statistics.traffic.bucket_s),
        _bars(totals, TOP, plot_height, "sky"),
    ]
    for row, (label, findings) in enumerate(lanes):
        children.append(_lane(clock, lanes_top + (row + 0.5) * lane_height, label, findings, anchors))
    return drawing.picture(
        "timeline",
        WIDTH,
        height,
        "Traffic over time with the findings marked",
        _describe(report, totals, clock),
        children,
        linked=bool(anchors),
    )


def by_protocol(report: Report) -> Markup | None:
    """The same time axis once for each of the busiest protocols, under each other, each with its own scale."""
    traffic = report.statistics.traffic
    clock = clock_of(traffic)
    if clock is None:
        return None
    series = sorted(traffic.series, key=lambda one: -sum(one.bytes))[:MOST_SMALL]
    step = SMALL_HEIGHT + 14
    bottom = 10 + step * len(series)
    children: list[htpy.Node] = [_axis(clock, 6, bottom - 12, bottom - 6)]
    for row, one in enumerate(series):
        top = 10 + row * step
        colour = drawing.SERIES[row % len(drawing.SERIES)]
        peak = max(one.bytes, default=0)
        children += [
            _bars(one.bytes, top, SMALL_HEIGHT, colour),
            drawing.line(LEFT, top + SMALL_HEIGHT, WIDTH - RIGHT, top + SMALL_HEIGHT),
            drawing.text(LEFT - 10, top + 16, drawing.shorten(one.protocol, 18), anchor="end", bold=True),
            drawing.text(LEFT - 10, top + 29, formats.size(sum(one.bytes)), anchor="end", size=10, fill="muted"),
            drawing.text(
                LEFT - 10, top + 41, f"peak {_rate(peak, traffic.bucket_s)}", anchor="end", size=10, fill="muted"
            ),
        ]
    words = "; ".join(f"{one.protocol} {formats.size(sum(one.bytes))}" for one in series)
    return drawing.picture(
        "protocols-over-time",
        WIDTH,
        bottom + 14,
        "Traffic over time by protocol",
        f"Bytes of each protocol: {words}.",
        children,
    )


def total_bytes(traffic: Traffic) -> list[int]:
    """Bytes of all series together, bucket by bucket; a series named `all` is the sum already."""
    for one in traffic.series:
        if one.protocol.lower() in ("all", "total", "frame"):
            return list(one.bytes)
    totals = [0] * traffic.buckets
    for one in traffic.series:
        for bucket, value in enumerate(one.bytes[: traffic.buckets]):
            totals[bucket] += value
    return totals


def _lanes(report: Report) -> list[tuple[str, list[Finding]]]:
    by_id = {finding.id: finding for finding in report.findings}
    lanes: list[tuple[str, list[Finding]]] = []
    told: set[str] = set()
    for point in report.starting_points[: MOST_LANES - 1]:
        findings = [by_id[key] for key in point.findings if key in by_id]
        told.update(point.findings)
        lanes.append((f"{point.rank}  {point.subject}", findings))
    rest = [finding for finding in report.findings if finding.id not in told and finding.priority != "info"]
    if rest:
        lanes.append(("other findings", rest))
    return lanes


def _lane(clock: Clock, middle: float, label: str, findings: list[Finding], anchors: dict[str, str]) -> htpy.Node:
    parts: list[htpy.Node] = [
        drawing.line(LEFT, middle, WIDTH - RIGHT, middle),
        drawing.text(LEFT - 10, middle + 4, drawing.shorten(label, 22), anchor="end"),
    ]
    order = {"info": 0, "low": 1, "medium": 2, "high": 3}
    for finding in sorted(findings, key=lambda one: order[one.priority]):
        first, last = formats.parse_time(finding.first_time), formats.parse_time(finding.last_time)
        if first is None:
            continue
        parts.append(_mark(clock.x(first), clock.x(last or first), middle, finding, anchors))
    return drawing.element("g", parts)


def _mark(x1: float, x2: float, y: float, finding: Finding, anchors: dict[str, str]) -> htpy.Node:
    colour = MARK_COLOUR[finding.priority]
    span = formats.clock_span(finding.first_time, finding.last_time, one_day=False)
    tip = f"{finding.title} ({finding.priority}), {span}"
    shapes: list[htpy.Node] = [drawing.element("title", tip)]
    if x2 - x1 > 3:
        shapes.append(drawing.rect(x1, y - 3, x2 - x1, 6, colour, rx=3, fill_opacity="0.55"))
    shapes.append(sign(finding.priority, x1, y))
    anchor = anchors.get(finding.id)
    return drawing.link(anchor, shapes) if anchor else drawing.element("g", shapes)


def sign(priority: Priority, x: float, y: float) -> htpy.Node:
    """The mark of a priority: its shape says as much as its colour."""
    colour = MARK_COLOUR[priority]
    match priority:
        case "high":
            return drawing.area(f"M{drawing.number(x)} {drawing.number(y - 7)}l7 12h-14z", colour)
        case "medium":
            return drawing.area(f"M{drawing.number(x)} {drawing.number(y - 7)}l6 7-6 7-6-7z", colour)
        case "low":
            return drawing.circle(x, y, 5, colour)
        case "info":
            return drawing.circle(x, y, 4, "panel", stroke="grey")


def _axis(clock: Clock, top: float, height: float, bottom: float) -> htpy.Node:
    parts: list[htpy.Node] = []
    for at, label in drawing.time_ticks(clock.start, clock.seconds):
        x = LEFT + at / clock.seconds * (WIDTH - LEFT - RIGHT)
        anchor: drawing.Anchor = "end" if x > WIDTH - 50 else "start" if x < LEFT + 20 else "middle"
        parts.append(drawing.line(x, top, x, bottom))
        parts.append(
            drawing.text(
                x,
                top + height + 14 if bottom > top + height + 8 else bottom + 12,
                label,
                size=10,
                fill="muted",
                anchor=anchor,
            )
        )
    return drawing.element("g", parts)


def _scale(top: float, height: float, peak: int, bucket_s: float) -> htpy.Node:
    return drawing.element(
        "g",
        [
            drawing.line(LEFT, top + height, WIDTH - RIGHT, top + height, "muted"),
            drawing.text(LEFT - 10, top + 10, _rate(peak, bucket_s), anchor="end", size=10, fill="muted"),
            drawing.text(LEFT - 10, top + height, "0", anchor="end", size=10, fill="muted"),
            drawing.text(LEFT - 10, top - 6, "Traffic (UTC)", anchor="end", bold=True),
        ],
    )


def _bars(values: list[int], top: float, height: float, fill: Colour) -> htpy.Node:
    """All buckets as one path: hundreds of single bars would be slow on paper."""
    peak = max(values, default=0)
    if peak <= 0:
        return None
    step = (WIDTH - LEFT - RIGHT) / len(values)
    gap = 0.6 if step > 3 else 0.0
    base = top + height
    pieces: list[str] = []
    for bucket, value in enumerate(values):
        if value > 0:
            tall = max(value / peak * height, 1.0)
            x = LEFT + bucket * step
            up, across = drawing.number(tall), drawing.number(max(step - gap, 0.8))
            pieces.append(f"M{drawing.number(x)} {drawing.number(base)}v-{up}h{across}v{up}z")
    return drawing.area("".join(pieces), fill)


def _rate(bytes_in_bucket: int, bucket_s: float) -> str:
    return f"{formats.size(bytes_in_bucket / bucket_s)}/s" if bucket_s > 0 else formats.size(bytes_in_bucket)


def _describe(report: Report, totals: list[int], clock: Clock) -> str:
    peak = max(range(len(totals)), key=lambda bucket: totals[bucket], default=0)
    width = report.statistics.traffic.bucket_s
    marked = sum(1 for finding in report.findings if finding.first_time)
    return (
        f"From {clock.start:%Y-%m-%d %H:%M:%S} UTC over {formats.duration(clock.seconds)}, "
        f"in {len(totals)} steps of {formats.duration(width)}; the busiest step is number {peak + 1} "
        f"with {formats.size(max(totals, default=0))}. {formats.plural(marked, 'finding')} marked."
    )
