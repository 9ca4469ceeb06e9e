"""The report as one HTML file: no script, nothing fetched, at most 2 MB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tshark_report.report import sheet, view
from tshark_report.report import templates as template_files
from tshark_report.report.escape import displayable
from tshark_report.report.model import Report

if TYPE_CHECKING:
    from tshark_report.report.brand import Brand

LARGEST = 2_000_000
"""Bytes of HTML above which the tables are cut further."""


def render(report: Report, *, templates: Path | None = None, brand: Brand | None = None) -> str:
    """The whole page.

    Args:
        report: what to show; text from the wire is escaped here.
        templates: a folder with templates that take the place of ours, file by file.
        brand: logo and colours.

    Raises:
        RenderFailed: a template is missing or has a mistake.
        UsageError: `templates` is not a folder.
    """
    shown = displayable(report)
    caps = view.SCREEN
    page = page_of(shown, paper=False, caps=caps, templates=templates, brand=brand)
    for _ in range(4):
        if len(page.encode()) <= LARGEST:
            break
        caps = caps.halved()
        page = page_of(shown, paper=False, caps=caps, templates=templates, brand=brand)
    return page


def page_of(report: Report, *, paper: bool, caps: view.Caps, templates: Path | None, brand: Brand | None = None) -> str:
    """The page with tables cut at `caps`; `report` must have gone through `displayable`."""
    context = view.context(report, paper=paper, caps=caps)
    context |= sheet.styled(templates, added=brand.css if brand else "")
    context["brand"] = brand
    context["damage"] = view.damage(report)
    return template_files.fill("report.html.j2", templates, context)
