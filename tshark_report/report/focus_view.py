"""What made the reader look, ready to be shown: tables as text, filters with their counts."""

from __future__ import annotations

from dataclasses import dataclass

from tshark_report.report import formats, tabular
from tshark_report.report.model import Cell, Column, Focus, FocusClient, FocusMatch, Report, Table
from tshark_report.report.tabular import Grid

SCREEN_ROWS = 60
PAPER_ROWS = 14
MOST_MATCHES = 100
PAPER_MATCHES = 12
MOST_HOSTS = 4
KIND_WORDS: dict[str, str] = {
    "address": "Address", "network": "Network", "endpoint": "Address and port", "port": "Port", "name": "Name",
    "url": "URL", "sha256": "SHA-256", "sha1": "SHA-1", "md5": "MD5", "ja3": "JA3", "ja3s": "JA3S", "ja4": "JA4",
    "user-agent": "User agent", "mac": "MAC address", "user": "User", "email": "Mail address", "file": "File name",
    "certificate": "Certificate", "alert": "Alert", "moment": "Moment",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClientView:
    """A host that the matches lead to, with its tables."""

    client: FocusClient
    anchor: str
    where: str
    conversations: Grid
    exchanged: Grid
    around: Grid
    everything: Grid


@dataclass(frozen=True, slots=True)
class MatchView:
    """A match, its frames and minutes in words."""

    match: FocusMatch
    kind: str
    where: str
    frames: str


@dataclass(frozen=True, slots=True)
class FocusView:
    """All of it; `shown` counts the matches that stand one by one."""

    focus: Focus
    clients: list[ClientView]
    matches: list[MatchView]
    cut: str
    more_clients: int
    others: Grid
    missing: Grid
    hidden: list[tuple[str, int, list[str]]]
    findings: frozenset[str]


def view(report: Report, *, paper: bool, day: bool, longest: int) -> FocusView | None:
    """The section as the templates show it; None where nothing was asked about."""
    focus = report.focus
    if focus is None:
        return None
    rows = PAPER_ROWS if paper else SCREEN_ROWS
    most = PAPER_MATCHES if paper else MOST_MATCHES

    def grid(caption: str, table: Table, noun: str = "rows", without: tuple[str, ...] = ()) -> Grid:
        kept = _lean(table, without)
        return tabular.grid(
            caption, kept.columns, kept.rows, kept.total_rows, cap=rows, one_day=day, noun=noun, longest=longest
        )

    def around(table: Table) -> Grid:
        return grid("Shortly before and after", _nearest(table, rows), "events", ("Direction",) if paper else ())

    nothing = Table(columns=[], rows=[], total_rows=0)
    clients = [
        ClientView(
            each,
            f"focus-{number}",
            _where(each.first_frame, each.last_frame, each.first_time, each.last_time, day),
            grid("Conversations", each.conversations, "rows", ("Protocol",) if paper else ()),
            grid("What was fetched and sent", each.exchanged, "events"),
            # Paper has room for the whole story of the first host only.
            around(each.around if number == 1 or not paper else nothing),
            grid(
                "All that it did in this capture",
                each.everything if number == 1 or not paper else nothing,
                "peers",
                ("Protocols", "Opened") if paper else (),
            ),
        )
        for number, each in enumerate(focus.clients, start=1)
    ]
    return FocusView(
        focus=focus,
        clients=clients,
        matches=[_match(each, day) for each in focus.matches[:most]],
        cut=formats.cut_note(min(most, len(focus.matches)), focus.matches_total, "matches"),
        more_clients=max(0, focus.clients_total - len(clients)),
        others=grid("Others with the same pattern", focus.others),
        missing=_missing(focus, rows),
        hidden=[(KIND_WORDS.get(each.kind, each.kind), each.count, each.reasons) for each in focus.hidden],
        findings=frozenset(focus.findings),
    )


def _nearest(table: Table, most: int) -> Table:
    """The rows nearest to the first contact, and those that led there, in time order."""
    names = [column.name for column in table.columns]
    if len(table.rows) <= most or "From first contact" not in names:
        return table
    offset, led = names.index("From first contact"), names.index("Led there")

    def distance(index: int) -> tuple[bool, float]:
        seconds = table.rows[index][offset]
        return not table.rows[index][led], abs(seconds) if isinstance(seconds, (int, float)) else 0.0

    kept = sorted(sorted(range(len(table.rows)), key=distance)[:most])
    return Table(columns=table.columns, rows=[table.rows[index] for index in kept], total_rows=table.total_rows)


def _lean(table: Table, without: tuple[str, ...]) -> Table:
    """The table without columns that paper has no room for, and without those that no row has anything for."""
    kept = [
        index
        for index, column in enumerate(table.columns)
        if column.name not in without and any(row[index] not in (None, "") for row in table.rows)
    ]
    return Table(
        columns=[table.columns[index] for index in kept],
        rows=[[row[index] for index in kept] for row in table.rows],
        total_rows=table.total_rows,
    )


def _where(first: int | None, last: int | None, start: str | None, end: str | None, day: bool) -> str:
    span = formats.clock_span(start, end, one_day=day) if start else ""
    parts = [part for part in (formats.frame_span(first, last), span) if part]
    return ", " + ", ".join(parts) if parts else ""


def _match(each: FocusMatch, day: bool) -> MatchView:
    frames = ", ".join(str(frame) for frame in each.frames[:20])
    more = len(each.frames) - 20
    return MatchView(
        each,
        KIND_WORDS.get(each.kind, each.kind),
        _where(each.first_frame, each.last_frame, each.first_time, each.last_time, day),
        frames + (" and more" if more > 0 else ""),
    )


def _missing(focus: Focus, cap: int) -> Grid:
    columns = [
        Column(name="Kind"),
        Column(name="Value (defanged)", type="hex"),
        Column(name="Given in"),
        Column(name="Note"),
    ]
    rows: list[list[Cell]] = [
        [KIND_WORDS.get(each.kind, each.kind), each.defanged, each.source, each.note] for each in focus.missing
    ]
    table = _lean(Table(columns=columns, rows=rows, total_rows=focus.missing_total), ())
    total = focus.missing_total
    return tabular.grid(
        "Not in this capture", table.columns, table.rows, total, cap=cap, one_day=True, noun="indicators", longest=200
    )
