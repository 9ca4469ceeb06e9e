"""What a template is given: the report, its tables and charts, and the anchors of its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from tshark_report.report import charts, course, focus_view, formats, glossary, paper_columns, tabular
from tshark_report.report.model import Check, CheckStatus, Finding, LineUp, LineUpMark, Report, StartingPoint
from tshark_report.report.tabular import Grid


@dataclass(frozen=True, slots=True)
class Caps:
    """How many rows of each kind are shown."""

    evidence: int
    findings: int
    conversations: int
    hosts: int
    files: int
    dns: int
    ports: int
    paths: int
    hierarchy: int
    expert: int
    indicators: int
    line_up: int
    frames: int
    commands: int
    checks: int
    in_full: int
    """Findings shown in full under one starting point, and as many that belong to none; the rest is a table."""
    cell: int
    """Characters of a cell of evidence."""

    def halved(self) -> Caps:
        """Half of everything, never less than two of a kind."""
        half = {one.name: max(getattr(self, one.name) // 2, 2) for one in fields(self)}
        return replace(self, **{**half, "cell": max(self.cell // 2, 40)})


SCREEN = Caps(
    evidence=40, findings=100, conversations=100, hosts=200, files=100, dns=150, ports=60,
    paths=60, hierarchy=200, expert=60,
    indicators=200, line_up=40, frames=60, commands=60, checks=200, in_full=25, cell=tabular.LONGEST_CELL,
)  # fmt: skip
PAPER = Caps(
    evidence=6, findings=25, conversations=5, hosts=12, files=8, dns=8, ports=6, paths=6, hierarchy=9, expert=5,
    indicators=40, line_up=8, frames=16, commands=12, checks=150, in_full=4, cell=120,
)  # fmt: skip

BRIEF_STORIES, BRIEF_REASON, BRIEF_FILTER = (800, 520, 330), 240, 170
"""Characters of a starting point on the first page on paper: of a story where there are one, two or more, of a
reason, of a filter."""
BRIEF_POINTS = 3
"""Starting points that the first page on paper tells; the others are named."""
LINE_UP_CELL = 24
"""Characters of a lined-up cell on paper: the eye looks for the odd one, and a long text would push the rows apart."""
PAPER_SPARKS = 4
"""Small pictures of a line-up on paper: as many as stand beside each other."""
BRIEF_COMMAND = 280
"""Characters of a command on paper; report.json has all of it."""

TELLING: tuple[LineUpMark, ...] = ("counting", "odd")
"""Marks whose notes paper has room for."""
QUIET_REASON = "looked for and not found"
"""What most checks ended with: it need not be said of each."""
STATUS_ORDER: tuple[CheckStatus, ...] = ("fired", "error", "not-evaluated", "quiet", "not-applicable")


@dataclass(frozen=True, slots=True)
class LineUpView:
    """A line-up cut to what is shown, with its small pictures."""

    line_up: LineUp
    rows: list[tuple[int, list[tuple[str, bool]]]]
    widths: list[str]
    width: str
    tight: bool
    cut: str
    sparks: list[charts.Spark]


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding and where it stands in the page."""

    finding: Finding
    anchor: str
    evidence: Grid
    where: str
    """Its frames and minutes, to follow the number of packets."""
    frames: str
    open: bool

    @property
    def minor(self) -> bool:
        """Whether paper tells it in short beside what matters more."""
        return self.finding.priority in ("low", "info")


@dataclass(frozen=True, slots=True)
class PointView:
    """A starting point with the findings that are told under it; `elsewhere` are those told under an earlier one."""

    point: StartingPoint
    anchor: str
    where: str
    """Frames and minutes of its findings, to follow the number of packets that its filter selects."""
    findings: list[FindingView]
    elsewhere: list[FindingView]
    short: Grid
    """Findings that are listed only."""
    line_up: LineUpView | None
    brief: Brief
    """For the first page on paper."""
    course: course.Course
    """The story as the course of events."""
    told_above: bool
    """The verdict says its headline already."""


@dataclass(frozen=True, slots=True)
class Brief:
    """A starting point in a few lines, so that the first page on paper holds the first three and the timeline."""

    course: course.Course
    why_here: str
    harmless: str
    filter: str


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the table of contents."""

    anchor: str
    title: str


def context(report: Report, *, paper: bool, caps: Caps) -> dict[str, object]:
    """Everything that the templates read."""
    day = tabular.one_day(report)
    found = {
        finding.id: _finding(finding, f"finding-{number}", caps, day)
        for number, finding in enumerate(report.findings, start=1)
    }
    points = _points(report, found, caps, day, paper)
    told = {key for point in report.starting_points for key in point.findings}
    others = [view for key, view in found.items() if key not in told]
    listed = others[caps.in_full : caps.findings]
    # Only what stands in full has a place to link to.
    in_full = [*(view for point in points for view in point.findings), *others[: caps.in_full]]
    anchors = {view.finding.id: view.anchor for view in in_full}
    checks = _checks(report, caps)
    grids = _grids(report, caps, paper)
    return {
        "report": report,
        "capture": report.capture,
        "paper": paper,
        "telling": TELLING,
        "caps": caps,
        "one_day": day,
        "title": title_of(report),
        "commands": _commands(report, caps, paper),
        "brief_points": BRIEF_POINTS,
        "points": points,
        "others": others[: caps.in_full],
        "others_short": tabular.findings([view.finding for view in listed], len(others) - caps.in_full, day=day),
        "anchors": anchors,
        "focus": focus_view.view(report, paper=paper, day=day, longest=caps.cell),
        "titles": {finding.id: finding.title for finding in report.findings},
        "checks": checks,
        "quiet_reason": QUIET_REASON,
        "families": _families,
        "unchecked": sum(1 for check in report.checks if check.status in ("not-evaluated", "error")),
        "made": sum(1 for check in report.checks if check.status == "quiet"),
        "marked": any(finding.first_time and finding.priority != "info" for finding in report.findings),
        "grids": grids,
        "conversations": _conversations(report, caps, paper),
        # On paper the hosts have their bytes, both ways, and the conversations their ports.
        "endpoints": []
        if paper and report.hosts
        else [tabular.endpoints(report, name, cap=caps.conversations) for name in tabular.PROTOCOLS],
        "charts": {
            "timeline": charts.timeline(
                report, anchors, plot_height=44 if paper else 96, lane_height=19 if paper else 24
            ),
            "talkers": charts.talkers(report, dense=paper),
            "by_protocol": charts.by_protocol(report),
            "hierarchy": charts.icicle(report.statistics.protocol_hierarchy),
            "paths": charts.path_times(report.transport.paths),
        },
        "terms": glossary.used_in(_prose(report)),
        "sections": _sections(report, points, others),
    }


def _conversations(report: Report, caps: Caps, paper: bool) -> list[Grid]:
    """By protocol; paper has Ethernet only where nothing else was spoken, since it says the same in other addresses."""
    names = tabular.PROTOCOLS
    found = [tabular.conversations(report, name, cap=caps.conversations, short=paper) for name in names]
    spoken = [one for name, one in zip(names, found, strict=True) if name != "ethernet" and one.rows]
    return spoken if paper and spoken else found


def title_of(report: Report) -> str:
    """What stands at the top and in the window's title."""
    return report.ticket.title or f"Where to start in {report.capture.file_name}"


def damage(report: Report) -> list[str]:
    """What is wrong with the capture file itself, in words."""
    capture = report.capture
    found: list[str] = []
    if capture.truncated:
        found.append("cut short in the middle of a packet")
    if capture.snap_length_cut_packets:
        found.append(f"{formats.plural(capture.snap_length_cut_packets, 'packet')} captured only in part (snap length)")
    if not capture.clock_ordered:
        found.append("time stamps run backwards in places")
    return found


def _finding(finding: Finding, anchor: str, caps: Caps, day: bool) -> FindingView:
    shown = finding.frames[: caps.frames]
    more = len(finding.frames) - len(shown)
    frames = ", ".join(str(frame) for frame in shown) + (f" and {more:,} more" if more else "")
    return FindingView(
        finding,
        anchor,
        tabular.evidence(finding, cap=caps.evidence, day=day, longest=caps.cell),
        _where(", ", finding.first_frame, finding.last_frame, finding, day),
        frames,
        finding.priority in ("high", "medium"),
    )


def _where(lead: str, first: int | None, last: int | None, told: Finding | StartingPoint, day: bool) -> str:
    """`, frames 202-370, 08:47:10 - 08:47:12 UTC`."""
    span = formats.clock_span(told.first_time, told.last_time, one_day=day) if told.first_time else ""
    parts = [part for part in (formats.frame_span(first, last), span) if part]
    return lead + ", ".join(parts) if parts else ""


def _points(report: Report, found: dict[str, FindingView], caps: Caps, day: bool, paper: bool) -> list[PointView]:
    views: list[PointView] = []
    story = BRIEF_STORIES[min(len(report.starting_points), len(BRIEF_STORIES)) - 1]
    told: set[str] = set()
    placed: set[str] = set()
    for point in report.starting_points:
        mine = [found[key] for key in point.findings if key in found]
        new = [view for view in mine if view.finding.id not in told]
        listed = new[caps.in_full : caps.in_full + caps.findings]
        numbers = [
            number
            for view in mine
            for number in (view.finding.first_frame, view.finding.last_frame)
            if number is not None
        ]
        whole = course.course(point.story)
        views.append(
            PointView(
                point,
                f"start-{point.rank}",
                _where("; findings in ", min(numbers, default=None), max(numbers, default=None), point, day),
                new[: caps.in_full],
                [view for view in mine if view.finding.id in placed],
                tabular.findings([view.finding for view in listed], len(new) - caps.in_full, day=day),
                _line_up(point.line_up, f"lineup-{point.rank}", caps, paper) if point.line_up else None,
                _brief(point, whole, story, mine),
                whole,
                _bare(point.headline) == _bare(report.verdict.headline),
            )
        )
        told.update(point.findings)
        placed.update(view.finding.id for view in new[: caps.in_full])
    return views


_SUBJECT = re.compile(r"[\w.:-]+(?: \([^()]{1,253}\))?: ")


def _bare(headline: str) -> str:
    """A headline without the host before it, which may stand with its name or without."""
    return _SUBJECT.sub("", headline.rstrip("."), count=1)


def _brief(point: StartingPoint, whole: course.Course, story: int, told: list[FindingView]) -> Brief:
    important = [(view.finding.first_frame, view.finding.last_frame) for view in told]
    return Brief(
        course.brief(whole, story, important),
        formats.sentences(point.why_here, BRIEF_REASON),
        formats.sentences(point.harmless, BRIEF_REASON),
        tabular.short(point.display_filter, BRIEF_FILTER),
    )


def _line_up(line_up: LineUp, key: str, caps: Caps, paper: bool) -> LineUpView | None:
    if not line_up.rows or not line_up.columns:
        return None
    odd = set(line_up.odd)
    longest = min(caps.cell, LINE_UP_CELL) if paper else caps.cell
    rows = [
        (frame, [(tabular.short(value, longest), (row, column) in odd) for column, value in enumerate(values)])
        for row, (frame, values) in enumerate(zip(line_up.frames, line_up.rows, strict=False))
    ]
    total = max(line_up.total_packets, len(rows))
    shown = _with_odd_ones(rows, caps.line_up)
    # A note breaks into three or four lines, not into one word a line; paper has room for the telling ones only.
    room = ["x" * min(len(column.note) // 3, 9) if column.mark in TELLING else "" for column in line_up.columns]
    heads = ["Frame", *(f"=\u00a0{column.name} {note}" for column, note in zip(line_up.columns, room, strict=True))]
    texts = [[str(frame), *(value for value, _ in cells)] for frame, cells in shown]
    widths = paper_columns.points(heads, texts, [True] * len(heads))
    return LineUpView(
        line_up,
        shown,
        [f"{width}pt" for width in widths],
        f"{paper_columns.whole(widths)}pt",
        paper_columns.too_wide(heads, texts, [True] * len(heads)),
        formats.cut_note(len(shown), total, "packets"),
        _sparks(line_up, key, paper),
    )


def _sparks(line_up: LineUp, key: str, paper: bool) -> list[charts.Spark]:
    """The small pictures; on paper one row of them, the telling ones first."""
    drawn = charts.sparks(line_up, key)
    if not paper:
        return drawn
    order = [formats.MARK_SIGN[mark] for mark in ("odd", "counting", "varying", "constant")]
    return sorted(drawn, key=lambda spark: order.index(spark.sign))[:PAPER_SPARKS]


def _with_odd_ones(
    rows: list[tuple[int, list[tuple[str, bool]]]], most: int
) -> list[tuple[int, list[tuple[str, bool]]]]:
    """The first rows, but never without the odd ones: they are what the reader is to see."""
    if len(rows) <= most:
        return rows
    odd = [index for index, (_, cells) in enumerate(rows) if any(is_odd for _, is_odd in cells)][: most // 2]
    plain = [index for index in range(len(rows)) if index not in set(odd)][: most - len(odd)]
    return [rows[index] for index in sorted({*odd, *plain})]


def _checks(report: Report, caps: Caps) -> list[tuple[CheckStatus, list[Check], int]]:
    groups: list[tuple[CheckStatus, list[Check], int]] = []
    for status in STATUS_ORDER:
        mine = [check for check in report.checks if check.status == status]
        if mine:
            groups.append((status, mine[: caps.checks], len(mine)))
    return groups


def _families(checks: list[Check]) -> list[list[Check]]:
    """Checks by the family of their rule, which the first three letters of a code name."""
    families: dict[str, list[Check]] = {}
    for check in checks:
        families.setdefault(check.code[:3], []).append(check)
    return list(families.values())


def _grids(report: Report, caps: Caps, paper: bool) -> dict[str, Grid]:
    return {
        "paths": tabular.paths(report, cap=caps.paths, short=paper),
        "dns": tabular.dns_names(report, cap=caps.dns, short=paper),
        "files": tabular.files(report, cap=caps.files, short=paper),
        "hosts": tabular.hosts(report, cap=caps.hosts, short=paper),
        "hierarchy": tabular.hierarchy(report, cap=caps.hierarchy),
        "ports": tabular.ports(report, cap=caps.ports),
        "expert": tabular.expert(report, cap=caps.expert),
        "indicators": tabular.indicators(report, cap=caps.indicators),
        "news": tabular.news(report, cap=caps.findings, short=paper),
        "lowered": tabular.lowered(report, cap=caps.findings),
        "expected": tabular.expected(report, cap=caps.findings),
    }


def _commands(report: Report, caps: Caps, paper: bool) -> list[tuple[str, str, str]]:
    """Purpose, command, and a note where it was cut."""
    made = []
    for one in report.commands[: caps.commands]:
        text = one.command
        if paper and len(text) > BRIEF_COMMAND:
            cut = f"{BRIEF_COMMAND:,} of {len(text):,} characters; report.json has all of them"
            made.append((one.purpose, text[:BRIEF_COMMAND] + "\u2026", cut))
        else:
            made.append((one.purpose, text, ""))
    return made


def _sections(report: Report, points: list[PointView], others: list[FindingView]) -> list[Section]:
    wanted = [
        ("focus", "What made you look", report.focus is not None),
        ("where-to-start", "Where to start", True),
        ("timeline-section", "Timeline", bool(report.statistics.traffic.series)),
        ("talkers-section", "Who talked to whom", bool(report.statistics.conversations)),
        ("normal", "Against normal", report.normal is not None),
        ("expected", "Expected and observed", report.expected is not None),
        ("in-depth", "Starting points in depth", bool(points)),
        ("other-findings", "Other findings", bool(others)),
        ("transport", "Transport health", True),
        ("dns", "DNS", True),
        ("files", "Files", True),
        ("hosts", "Hosts", True),
        ("statistics", "Statistics", True),
        ("checks", "Checks", True),
        ("limits", "Limits", True),
        ("indicators", "Indicators", True),
        ("commands", "Commands", True),
        ("glossary", "Glossary", True),
    ]
    return [Section(anchor, title) for anchor, title, there in wanted if there]


def _prose(report: Report) -> str:
    """Our own words in this report, in which the glossary looks for its terms."""
    words = [report.overview, report.verdict.headline, report.verdict.reason, report.transport.sentence]
    told: set[str] = set()
    for point in report.starting_points:
        words += [point.headline, point.story, point.why_here, point.harmless]
    for finding in report.findings[:200]:
        words += [finding.title, finding.summary]
        if finding.code not in told:
            # The rule's own words are the same in all of its findings.
            told.add(finding.code)
            words += [finding.why, *finding.confirm, *(reading.explanation for reading in finding.innocent)]
    words += [note.sentence for note in report.protocols]
    # Headings and column names that every report has.
    words.append(
        "frame, conversation, display filter, defanged, DNS, TTL, round trip, retransmission, expert information"
    )
    return " ".join(words)
