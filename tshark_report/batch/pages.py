"""The index as files: HTML in pages of a bounded size, PDF, JSON, CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec

from tshark_report.batch import place
from tshark_report.batch.across import KIND_WORDS, Shared, Story
from tshark_report.batch.index import INDEX_VERSION, Index
from tshark_report.batch.records import KINDS, Failure, Kind
from tshark_report.errors import RenderFailed
from tshark_report.report import templates as template_files
from tshark_report.report.escape import csv_cell, visible
from tshark_report.report.model import PRIORITIES
from tshark_report.report.sheet import styled

ROWS = 500
"""Captures on one HTML page: about 400 kB."""
PAPER_ROWS, PAPER_FAILURES, PAPER_STORIES, PAPER_SHARED = 120, 40, 8, 5
FAILURES_SHOWN, STORIES_SHOWN, SHARED_SHOWN = 100, 20, 10
"""On the first page; `across.html` shows more, `index.json` and `across.csv` all."""
SHARED_ON_PAGE = 200
LONGEST_HEADLINE = 300
_PAGE = re.compile(r"^index-\d+\.html$")


@dataclass(frozen=True)
class Look:
    """How the pages look."""

    paper: Literal["A4", "Letter"] = "A4"
    templates: Path | None = None
    title: str = ""
    ticket: str = ""
    tlp: str = ""


def write(index: Index, output: place.Place, generated: str, look: Look, *, pdf: bool = True) -> RenderFailed | None:
    """Write the index; `index.html` last, so that what it leads to is there.

    Returns:
        Why there is no PDF, where it was wanted and cannot be made.

    Raises:
        RenderFailed: the output cannot be written.
    """
    stories = index.across.stories(index.names)
    names = index.names
    output.write("index.json", _json(index, stories, generated))
    output.write("index.csv", _csv(index))
    output.write("across.csv", _across_csv(index, names))
    shared = {kind: list(index.across.shared(kind, SHARED_ON_PAGE)) for kind in KINDS}
    totals = index.across.totals()
    pages = max(1, -(-len(index.rows) // ROWS))
    view = _View(index, stories, shared, totals, generated, look, names)
    output.write("across.html", view.across().encode())
    for number in range(pages, 1, -1):
        output.write(f"index-{number}.html", view.page(number, pages).encode())
    trouble = None
    if pdf:
        try:
            paper = view.pdf()
        except RenderFailed as error:
            trouble = error
        else:
            output.write("index.pdf", paper)
    output.write("index.html", view.page(1, pages).encode())
    _without_old(output, pages)
    return trouble


def prepare() -> None:
    """Load what the PDF of the index needs; for a thread beside the workers, so that the end need not wait for it."""
    from tshark_report.report import warm

    warm.up()


def _without_old(output: place.Place, pages: int) -> None:
    for name in output.listing(""):
        if _PAGE.match(name) and int(name[6:-5]) > pages:
            output.remove(name)


def _json(index: Index, stories: list[Story], generated: str) -> bytes:
    data = {
        "schema_version": INDEX_VERSION,
        "tool": index.tool,
        "generated": generated,
        "totals": index.totals,
        "notes": index.notes,
        "captures": index.rows,
        "failures": index.failures,
        "stories": stories,
        "across_totals": index.across.totals(),
        "across": [each for kind in KINDS for each in index.across.shared(kind, SHARED_ON_PAGE)],
    }
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _csv(index: Index) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["rank", "status", "capture", "report", "headline_or_reason", "layer", "worst", *PRIORITIES, "starting_points",
         "first_time", "last_time", "duration_s", "packets", "file_bytes", "truncated", "sha256", "same_content"]
    )  # fmt: skip
    for row in index.rows:
        counts = [row.findings.get(p, 0) for p in PRIORITIES]
        texts = [csv_cell(text) for text in (row.path, row.report, row.headline)]
        writer.writerow(
            [row.rank, "reported", *texts, row.layer, row.worst, *counts, len(row.starting_points), row.first_time,
             row.last_time, row.duration_s, row.packets, row.file_bytes, row.truncated, row.sha256,
             csv_cell("; ".join(row.same))]
        )  # fmt: skip
    for failure in index.failures:
        reason = f"{failure.what}: {failure.detail}" if failure.detail else failure.what
        none = [""] * (len(PRIORITIES) + 7)
        texts = [csv_cell(failure.path), "", csv_cell(reason)]
        writer.writerow(["", "failed", *texts, *none, failure.file_bytes, "", "", ""])
    return out.getvalue().encode("utf-8", "backslashreplace")


def _across_csv(index: Index, names: dict[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["kind", "value", "captures", "packets", "priority", "first_time", "first_capture", "last_time", "last_capture"]
    )
    for one in index.across.shared():
        first, last = (names.get(i, i) for i in (one.first_capture, one.last_capture))
        writer.writerow(
            [one.kind, csv_cell(one.value), one.captures, one.packets, one.priority, one.first_time, csv_cell(first),
             one.last_time, csv_cell(last)]
        )  # fmt: skip
    return out.getvalue().encode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class _View:
    index: Index
    stories: list[Story]
    shared: dict[Kind, list[Shared]]
    totals: dict[Kind, int]
    generated: str
    look: Look
    names: dict[str, str]

    def page(self, number: int, pages: int) -> str:
        first = (number - 1) * ROWS
        return self._fill(
            "index.html.j2", rows=self.index.rows[first : first + ROWS], number=number, pages=pages, paper=False,
            stories=self.stories[:STORIES_SHOWN], failures=self.index.failures[:FAILURES_SHOWN],
            shared=self._some(SHARED_SHOWN),
        )  # fmt: skip

    def across(self) -> str:
        return self._fill("across.html.j2", paper=False, stories=self.stories, shared=self._some(SHARED_ON_PAGE))

    def pdf(self) -> bytes:
        from tshark_report.report import as_pdf

        page = self._fill(
            "index.html.j2", rows=self.index.rows[:PAPER_ROWS], number=1, pages=1, paper=True,
            stories=self.stories[:PAPER_STORIES], failures=self.index.failures[:PAPER_FAILURES],
            shared=self._some(PAPER_SHARED),
        )  # fmt: skip
        return as_pdf.from_page(page, paper=self.look.paper)

    def _some(self, most: int) -> list[tuple[str, list[Shared], int]]:
        return [(KIND_WORDS[k], self.shared[k][:most], self.totals.get(k, 0)) for k in KINDS if self.shared[k]]

    def _fill(self, template: str, **more: object) -> str:
        look = self.look
        context: dict[str, object] = {
            **styled(look.templates, "index.css"),
            "index": self.index,
            "totals": self.index.totals,
            "below": self.index.below,
            "names": self.names,
            "generated": self.generated,
            "look": look,
            "title": look.title or "Captures, worst first",
            "shown": _shown,
            "link": _link,
            "links": self.links,
            "short": self._short,
            "reason": _reason,
            "priorities": PRIORITIES,
        }
        return template_files.fill(template, look.templates, context | more)

    @cached_property
    def links(self) -> dict[str, str]:
        """Id of a capture -> link to its report."""
        return {row.id: _link(row.report) for row in self.index.rows}

    def _short(self, path: str) -> str:
        return _shown(path.removeprefix(self.index.below) or path)


def _shown(text: str | None) -> str:
    """Text from captures or file names, with what cannot be seen made visible, and cut to a bearable length."""
    made = visible(text or "")
    return made if len(made) <= LONGEST_HEADLINE else made[:LONGEST_HEADLINE] + "…"


def _link(path: str) -> str:
    return quote(path)


def _reason(failure: Failure) -> str:
    return _shown(f"{failure.what}: {failure.detail}" if failure.detail else failure.what)
