"""The report as Markdown that pastes well into a ticket: GitHub's flavour, or Jira's wiki markup."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tshark_report.report import escape, focus_markdown, formats, tabular, view
from tshark_report.report.course import course
from tshark_report.report.model import Finding, Report, StartingPoint
from tshark_report.report.tabular import Grid

LONGEST: dict[str, int] = {"github": 65_000, "jira": 32_000}
"""Characters that a comment may have, with a little room: GitHub takes 65,536, Jira 32,767."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How much is shown: findings in full, rows of evidence, rows of other tables."""

    findings: int
    evidence: int
    rows: int


_CAPS = (Caps(30, 10, 20), Caps(12, 6, 12), Caps(5, 4, 8), Caps(2, 3, 4), Caps(0, 0, 2))


class Flavour(ABC):
    """How one kind of ticket writes headings, tables and code; every text goes through `text` or `code`."""

    @abstractmethod
    def heading(self, level: int, words: str) -> str:
        """A heading; `words` are escaped already."""

    @abstractmethod
    def bold(self, words: str) -> str:
        """Strong text; `words` are escaped already."""

    @abstractmethod
    def text(self, raw: str) -> str:
        """Any text, standing as itself."""

    @abstractmethod
    def code(self, raw: str) -> str:
        """A short piece in monospace."""

    @abstractmethod
    def block(self, raw: str) -> str:
        """Lines to copy."""

    @abstractmethod
    def table(self, heads: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> list[str]:
        """A table; all cells are escaped already."""

    @abstractmethod
    def rule(self) -> str:
        """A line across the page."""

    def grid(self, grid: Grid) -> list[str]:
        """A table with a note where it was cut."""
        if not grid.rows:
            return []
        rows = [
            [self._cell(cell, mono=head.mono) for head, cell in zip(grid.heads, row, strict=False)] for row in grid.rows
        ]
        lines = self.table([self.text(head.text) for head in grid.heads], [head.right for head in grid.heads], rows)
        return [*lines, *(["", f"{self.text(grid.cut)} shown."] if grid.cut else [])]

    def _cell(self, cell: str, *, mono: bool) -> str:
        if cell == formats.NOTHING:
            return cell
        return self.code(cell) if mono else self.text(cell)


class GitHub(Flavour):
    """GitHub, GitLab, Forgejo."""

    def heading(self, level: int, words: str) -> str:
        """`## words`."""
        return f"{'#' * level} {words}"

    def bold(self, words: str) -> str:
        """`**words**`."""
        return f"**{words}**"

    def text(self, raw: str) -> str:
        """Escaped text."""
        return escape.markdown(raw)

    def code(self, raw: str) -> str:
        """A code span."""
        return escape.markdown_code(raw)

    def block(self, raw: str) -> str:
        """A fenced block, its fence longer than any in the text."""
        flat = escape.one_line(escape.visible(raw))
        fence = "```"
        while fence in flat:
            fence += "`"
        return f"{fence}\n{flat}\n{fence}"

    def table(self, heads: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> list[str]:
        """A pipe table."""
        return [
            f"| {' | '.join(heads)} |",
            f"| {' | '.join('---:' if is_right else '---' for is_right in right)} |",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]

    def rule(self) -> str:
        """`---`."""
        return "---"


class Jira(Flavour):
    """Jira's and Confluence's wiki markup."""

    def heading(self, level: int, words: str) -> str:
        """`h2. words`."""
        return f"h{level}. {words}"

    def bold(self, words: str) -> str:
        """`*words*`."""
        return f"*{words}*"

    def text(self, raw: str) -> str:
        """Escaped text."""
        return escape.jira(raw)

    def code(self, raw: str) -> str:
        """Monospace; its content is escaped too, as Jira reads markup inside."""
        return "{{" + escape.jira(raw) + "}}" if raw else ""

    def block(self, raw: str) -> str:
        """A noformat block; the one word that would end it is broken up."""
        flat = escape.one_line(escape.visible(raw)).replace("{noformat}", "{ noformat }")
        return f"{{noformat}}\n{flat}\n{{noformat}}"

    def table(self, heads: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> list[str]:
        """A table; Jira aligns nothing. An empty cell needs a space."""
        del right
        return [
            f"||{'||'.join(head or ' ' for head in heads)}||",
            *(f"|{'|'.join(cell or ' ' for cell in row)}|" for row in rows),
        ]

    def rule(self) -> str:
        """`----`."""
        return "----"


_FLAVOURS: dict[str, Flavour] = {"github": GitHub(), "jira": Jira()}


def render(report: Report, *, flavour: Literal["github", "jira"] = "github") -> str:
    """The report for a ticket: verdict, starting points, findings, transport, checks, indicators.

    Charts and the long statistics are left to the HTML and the PDF. Findings and tables are cut until the text
    fits into a comment of the ticket system.
    """
    shown = escape.displayable(report)
    words = _FLAVOURS[flavour]
    text = ""
    for caps in _CAPS:
        lines = [
            *_head(shown, words),
            *focus_markdown.lines(shown, words, caps.rows),
            *_points(shown, words),
            *_findings(shown, words, caps),
            *_rest(shown, words, caps),
        ]
        text = "\n".join(lines).rstrip() + "\n"
        if len(text) <= LONGEST[flavour]:
            break
    return text


def _head(report: Report, f: Flavour) -> list[str]:
    capture, ticket = report.capture, report.ticket
    labels = [
        f"Ticket {ticket.ticket}" if ticket.ticket else "",
        f"TLP:{ticket.tlp.upper()}" if ticket.tlp else "",
        ticket.organisation,
        ticket.analyst,
    ]
    facts = [
        ["Clock (UTC)", f.text(formats.clock_span(capture.first_time, capture.last_time, one_day=False))],
        ["Duration", f.text(formats.duration(capture.duration_s))],
        ["Packets", formats.count(capture.packets)],
        ["On the wire", f.text(formats.size(capture.bytes_on_wire or capture.file_bytes))],
        ["Damage", f.text("; ".join(view.damage(report)) or "none found")],
        ["File", f.code(capture.file_name)],
        ["SHA\\-256" if isinstance(f, GitHub) else "SHA-256", f.code(capture.sha256)],
    ]
    if capture.filter:
        facts.append(["Limited to", f.code(capture.filter)])
    given = [label for label in labels if label]
    return [
        f.heading(2, f.text(view.title_of(report))), "",
        *([" · ".join(f.text(label) for label in given), ""] if given else []),
        f.bold(f.text(report.verdict.headline)), "",
        f.text(report.verdict.reason), "",
        f.text(report.overview), "",
        *([f.text(ticket.note), ""] if ticket.note else []),
        *f.table(["Capture", " "], [False, False], facts), "",
        *[line for warning in capture.warnings[:10] for line in (f"{f.bold('Warning:')} {f.text(warning)}", "")],
    ]  # fmt: skip


def _points(report: Report, f: Flavour) -> list[str]:
    lines = [f.heading(3, "Where to start"), ""]
    if not report.starting_points:
        unmade = sum(1 for check in report.checks if check.status in ("not-evaluated", "error"))
        quiet = sum(1 for check in report.checks if check.status == "quiet")
        made = f"{formats.plural(quiet, 'check')} found nothing"
        if unmade:
            made = f"{formats.plural(unmade, 'check')} could not be made, {made}"
        return [*lines, f"Nothing in this capture stands out; {made}.", ""]
    day = tabular.one_day(report)
    for point in report.starting_points:
        lines += _point(point, f, day)
    return lines


def _point(point: StartingPoint, f: Flavour, day: bool) -> list[str]:
    span = formats.clock_span(point.first_time, point.last_time, one_day=day)
    # The filter is of the first finding only, the time of all.
    selected = formats.plural(point.matched_packets, "packet") + (
        "" if span == formats.NOTHING else f"; {formats.plural(len(point.findings), 'finding')}, {span}"
    )
    chips = formats.rating(point.priority, point.confidence)
    return [
        f.heading(4, f"{point.rank}. {f.text(point.headline)}"), "",
        chips, "",
        *_story(point.story, f),
        f"{f.bold('Why here:')} {f.text(point.why_here)}", "",
        f"{f.bold('Harmless if:')} {f.text(point.harmless)}", "",
        *([f.block(point.display_filter), "", f.text(selected), ""] if point.display_filter else []),
    ]  # fmt: skip


def _story(story: str, f: Flavour) -> list[str]:
    """The story, one line of a list for each time."""
    told = course(story)
    if not told.steps:
        return [f.text(story), ""]
    steps = [f"* {f.bold(f.text(at))} {f.text(what)}" for at, what in told.steps]
    return [f.text(told.lead), "", *steps, "", *([f.text(told.rest), ""] if told.rest else [])]


def _findings(report: Report, f: Flavour, caps: Caps) -> list[str]:
    if not report.findings:
        return []
    lines = [f.heading(3, "Findings"), ""]
    day = tabular.one_day(report)
    for finding in report.findings[: caps.findings]:
        lines += _finding(finding, f, day, caps)
    cut = formats.cut_note(caps.findings, len(report.findings), "findings")
    return [*lines, *([f"{cut} shown; the others are in the HTML report.", ""] if cut else [])]


def _finding(finding: Finding, f: Flavour, day: bool, caps: Caps) -> list[str]:
    where = formats.frame_span(finding.first_frame, finding.last_frame)
    chips = formats.rating(finding.priority, finding.confidence)
    evidence = f.grid(tabular.evidence(finding, cap=caps.evidence, day=day))
    selects = formats.plural(finding.matched_packets, "packet") + (f", {where}" if where else "")
    return [
        f.heading(4, f"{f.text(finding.code)} {f.text(finding.title)}"), "",
        chips, "",
        f.text(finding.summary), "",
        *([f.text(f"Against normal: {finding.normal} ({finding.normal_because})."), ""] if finding.normal else []),
        *([f.block(finding.display_filter), "", f.text(selects), ""] if finding.display_filter else []),
        *([*evidence, ""] if evidence else []),
        f"{f.bold('Why it matters:')} {f.text(finding.why)}", "",
        *([f.bold("Harmless if:"), ""] if finding.innocent else []),
        *[f"* {f.text(reading.explanation)} {f.text(reading.tell_apart)}" for reading in finding.innocent],
        *([""] if finding.innocent else []),
        *([f.bold("Next steps:"), ""] if finding.confirm else []),
        *[f"* {f.text(step)}" for step in finding.confirm],
        *([""] if finding.confirm else []),
    ]  # fmt: skip


def _compared(report: Report, f: Flavour, caps: Caps) -> list[str]:
    """The capture against a baseline and against what was expected, where they were given."""
    lines: list[str] = []
    if report.normal is not None:
        lines += [f.heading(3, "Against normal"), "", f.text(report.normal.sentence), ""]
        lines += [*f.grid(tabular.news(report, cap=caps.rows, short=True)), ""] if report.normal.news else []
        lines += [*f.grid(tabular.lowered(report, cap=caps.rows)), ""] if report.normal.lowered else []
    if report.expected is not None:
        lines += [f.heading(3, "Expected and observed"), "", f.text(report.expected.sentence), ""]
        lines += [*f.grid(tabular.expected(report, cap=caps.rows)), ""] if report.expected.rows else []
    return lines


def _rest(report: Report, f: Flavour, caps: Caps) -> list[str]:
    lines = [*_compared(report, f, caps), f.heading(3, "Transport health"), "", f.text(report.transport.sentence), ""]
    if report.files:
        lines += [f.heading(3, "Files"), "", *f.grid(tabular.files(report, cap=caps.rows)), ""]
    unmade = [check for check in report.checks if check.status in ("not-evaluated", "error")]
    if unmade:
        rows = [[f.code(check.code), f.text(check.question), f.text(check.reason)] for check in unmade[: caps.rows]]
        lines += [
            f.heading(3, "Checks that could not be made"),
            "",
            *f.table(["Code", "Question", "Why"], [False] * 3, rows),
            "",
        ]
    if report.limits:
        lines += [
            f.heading(3, "What this capture cannot show"),
            "",
            *[f"* {f.text(limit)}" for limit in report.limits],
            "",
        ]
    if report.indicators:
        lines += [f.heading(3, "Indicators (defanged)"), "", *f.grid(tabular.indicators(report, cap=caps.rows)), ""]
    tool = report.tool
    made = f"{tool.name} {tool.version} with tshark {tool.tshark_version}, {formats.to_second(report.generated)}"
    return [*lines, f.rule(), "", f"Written by {f.text(made)}. All times are UTC."]
