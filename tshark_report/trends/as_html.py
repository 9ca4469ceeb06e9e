"""Trends as one HTML file: no script, nothing fetched, the look of the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from tshark_report.report import templates as template_files
from tshark_report.report.escape import displayable
from tshark_report.report.sheet import styled
from tshark_report.trends import picture
from tshark_report.trends.model import Grown, Trends

MOST_ROWS = 60
"""Buckets in the table of one thing, the latest ones."""


@dataclass(frozen=True)
class Row:
    """One bucket of one thing, for its table."""

    label: str
    records: int
    share: float
    sources: int
    targets: int
    marked: bool


@dataclass(frozen=True)
class Shown:
    """One thing that grew, with its picture and table."""

    anchor: str
    each: Grown
    picture: Markup
    rows: list[Row]
    left_out: int


def render(trends: Trends, *, templates: Path | None = None) -> str:
    """The whole page.

    Raises:
        RenderFailed: a template is missing or has a mistake.
        UsageError: `templates` is not a folder.
    """
    shown = displayable(trends)
    context: dict[str, object] = {
        **styled(templates),
        "trends": shown,
        "overview": picture.overview(shown),
        "grown": [_shown(place, each, shown) for place, each in enumerate(shown.grown, 1)],
    }
    return template_files.fill("trends.html.j2", templates, context)


def _shown(place: int, each: Grown, trends: Trends) -> Shown:
    totals = next(counted.records for counted in trends.counted if counted.kind == each.kind)
    rows = [
        Row(
            bucket.label,
            each.series.records[at],
            each.series.records[at] / totals[at] if totals[at] else 0.0,
            each.series.sources[at],
            each.series.targets[at],
            at >= each.onset,
        )
        for at, bucket in enumerate(trends.buckets)
    ]
    anchor = f"grown-{place}"
    return Shown(
        anchor, each, picture.watch(each, trends, f"{anchor}-picture"), rows[-MOST_ROWS:], len(rows[:-MOST_ROWS])
    )
