"""Tables ready to be shown: every cell is text, every column knows how it stands.

HTML, PDF and Markdown print the same tables; only the number of rows differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tshark_report.report import formats, paper_columns
from tshark_report.report.model import Cell, Column, ColumnType, Conversation, Endpoint, Finding, Host, Report, Table

_PROTOCOL_NAMES = {"ethernet": "Ethernet", "ipv4": "IPv4", "ipv6": "IPv6", "tcp": "TCP", "udp": "UDP"}
PROTOCOLS = tuple(_PROTOCOL_NAMES)
HASH_START = 16
"""Digits of a hash on paper, where nobody copies it: report.json has all of them."""
_Named = tuple[tuple[str, ColumnType], ...]
_PORT: _Named = (("Port", "port"),)
_PORT_A: _Named = (("Port A", "port"),)
_PORT_B: _Named = (("Port B", "port"),)


LONGEST_CELL = 400
"""Characters of a cell on screen; report.json has all of it."""
WIDE = 8
"""Columns from which on a table of one or two rows is turned."""
LONGEST_WORD = 26
"""Characters of a word that may stand unbroken in a cell; a column with a longer one breaks anywhere."""
WORDY = 40
"""Characters from which on a cell is a sentence."""


@dataclass(frozen=True, slots=True)
class Head:
    """One column: heading, whether its cells are numbers or stand in monospace, and whether they may break anywhere."""

    text: str
    right: bool = False
    mono: bool = False
    breaks: bool = False
    whole: bool = False
    """Cells are kept on one line."""
    wordy: bool = False
    """Cells hold sentences, which are not to stand one word a line."""

    @property
    def css(self) -> str:
        """Class names of the column's cells."""
        flags = (
            ("num", self.right),
            ("mono", self.mono),
            ("long", self.breaks),
            ("whole", self.whole and not self.breaks),
            ("wordy", self.wordy and not self.breaks),
        )
        return " ".join(name for name, on in flags if on)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table to print; `total` counts the rows there were before it was cut."""

    caption: str
    heads: list[Head]
    rows: list[list[str]]
    total: int
    noun: str = "rows"

    @property
    def widths(self) -> list[str]:
        """Widths of the columns for paper, in CSS."""
        return [f"{width}pt" for width in self._points()]

    @property
    def width(self) -> str:
        """Width of the whole table for paper, in CSS."""
        return f"{paper_columns.whole(self._points())}pt"

    @property
    def on_edge(self) -> bool:
        """Whether it reads better with its columns as rows: many columns and one or two rows."""
        return len(self.heads) >= WIDE and len(self.rows) <= 2

    @property
    def too_wide(self) -> bool:
        """Whether the columns do not fit a page in the usual size."""
        return paper_columns.too_wide([head.text for head in self.heads], self.rows, [head.mono for head in self.heads])

    def _points(self) -> list[int]:
        return paper_columns.points([head.text for head in self.heads], self.rows, [head.mono for head in self.heads])

    @property
    def cut(self) -> str:
        """`20 of 5,311 rows` where the table was cut, else nothing."""
        return formats.cut_note(len(self.rows), self.total, self.noun)

    @property
    def summary(self) -> str:
        """Caption and number of rows, for a fold or a heading."""
        return f"{self.caption} ({self.cut or f'{self.total:,}'})"


def grid(
    caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], total: int, *, cap: int, one_day: bool,
    noun: str = "rows", longest: int = LONGEST_CELL,
) -> Grid:  # fmt: skip
    """Format typed rows, at most `cap` of them, each cell cut after `longest` characters."""
    kinds: list[ColumnType] = [column.type for column in columns]
    shown = [
        [short(formats.cell(value, kind, one_day=one_day), longest) for value, kind in zip(row, kinds, strict=False)]
        for row in rows[:cap]
    ]
    heads = [
        Head(
            formats.heading(column.name, column.type),
            right=column.type in formats.RIGHT_ALIGNED,
            mono=column.type in formats.MONOSPACED,
            breaks=any(_longest_word(row[index]) > LONGEST_WORD for row in shown if index < len(row)),
            whole=column.type == "time" or column.type in formats.MONOSPACED,
            wordy=any(len(row[index]) > WORDY for row in shown if index < len(row)),
        )
        for index, column in enumerate(columns)
    ]
    return Grid(caption, heads, shown, max(total, len(rows)), noun)


def short(cell: str, longest: int) -> str:
    """A text cut after so many characters, with a mark that it was."""
    return cell if len(cell) <= longest else f"{cell[: longest - 1]}\u2026"


def _longest_word(cell: str) -> int:
    return max(map(len, cell.split())) if len(cell) > LONGEST_WORD else 0


def _columns(*pairs: tuple[str, ColumnType]) -> list[Column]:
    return [Column(name=name, type=kind) for name, kind in pairs]


def one_day(report: Report) -> bool:
    """Whether the tables may leave out the date."""
    return formats.within_one_day(report.capture.first_time, report.capture.last_time)


def evidence(finding: Finding, *, cap: int, day: bool, longest: int = LONGEST_CELL) -> Grid:
    """The evidence of a finding."""
    table: Table = finding.evidence
    return grid("Evidence", table.columns, table.rows, table.total_rows, cap=cap, one_day=day, longest=longest)


def findings(found: Sequence[Finding], total: int, *, day: bool) -> Grid:
    """Findings in one line each, for those that are not shown in full."""
    columns = _columns(
        ("Code", "text"),
        ("What was seen", "text"),
        ("Subject", "text"),
        ("Priority", "text"),
        ("Packets", "count"),
        ("Frames", "text"),
        ("Time", "time"),
    )
    rows: list[list[Cell]] = [
        [
            one.code, one.title, one.subject, f"{formats.PRIORITY_SIGN[one.priority]} {one.priority}",
            one.matched_packets,
            formats.frame_span(one.first_frame, one.last_frame).partition(" ")[2], one.first_time,
        ]
        for one in found
    ]  # fmt: skip
    return grid("In short", columns, rows, total, cap=len(rows), one_day=day, noun="findings", longest=120)


def conversations(report: Report, protocol: str, *, cap: int, short: bool = False) -> Grid:
    """Conversations of one protocol, bytes exact and both ways; `short` leaves out the packets each way."""
    ported = protocol in ("tcp", "udp")
    columns = _columns(
        ("Address A", "address"), *(_PORT_A if ported else ()),
        ("Address B", "address"), *(_PORT_B if ported else ()),
        ("Packets", "count"), ("Bytes", "bytes"), ("Packets A\u2192B", "count"), ("Bytes A\u2192B", "bytes"),
        ("Packets B\u2192A", "count"), ("Bytes B\u2192A", "bytes"), ("Start", "time"), ("Duration", "seconds"),
    )  # fmt: skip
    chosen = [one for one in report.statistics.conversations if one.protocol == protocol]
    rows = [_conversation(one, ported) for one in chosen[:cap]]
    if short:
        columns, rows = _without(columns, rows, ("Packets A\u2192B", "Packets B\u2192A"))
    total = max(getattr(report.statistics.conversation_totals, protocol), len(chosen))
    return grid(f"{_PROTOCOL_NAMES[protocol]} conversations", columns, rows, total, cap=cap, one_day=one_day(report))


def _without(
    columns: list[Column], rows: list[list[Cell]], names: Sequence[str]
) -> tuple[list[Column], list[list[Cell]]]:
    """The table without some columns, for which paper has no room."""
    kept = [index for index, column in enumerate(columns) if column.name not in names]
    return [columns[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _conversation(one: Conversation, ported: bool) -> list[Cell]:
    return [
        one.address_a, *([one.port_a] if ported else []), one.address_b, *([one.port_b] if ported else []),
        one.packets, one.bytes, one.packets_a_to_b, one.bytes_a_to_b, one.packets_b_to_a, one.bytes_b_to_a,
        one.first_time, one.duration_s,
    ]  # fmt: skip


def endpoints(report: Report, protocol: str, *, cap: int) -> Grid:
    """Endpoints of one protocol."""
    ported = protocol in ("tcp", "udp")
    columns = _columns(
        ("Address", "address"), *(_PORT if ported else ()), ("Packets", "count"), ("Bytes", "bytes"),
        ("Packets sent", "count"), ("Bytes sent", "bytes"), ("Packets received", "count"),
        ("Bytes received", "bytes"),
    )  # fmt: skip
    chosen = [one for one in report.statistics.endpoints if one.protocol == protocol]
    rows = [_endpoint(one, ported) for one in chosen[:cap]]
    total = max(getattr(report.statistics.endpoint_totals, protocol), len(chosen))
    return grid(f"{_PROTOCOL_NAMES[protocol]} endpoints", columns, rows, total, cap=cap, one_day=True)


def _endpoint(one: Endpoint, ported: bool) -> list[Cell]:
    return [
        one.address, *([one.port] if ported else []), one.packets, one.bytes, one.packets_sent, one.bytes_sent,
        one.packets_received, one.bytes_received,
    ]  # fmt: skip


def ports(report: Report, *, cap: int) -> Grid:
    """Server ports and who used them."""
    columns = _columns(
        ("Port", "text"), ("Service", "text"), ("Also known for", "text"), ("Conversations", "count"),
        ("Clients", "count"),
        ("Servers", "count"), ("Packets", "count"), ("Bytes", "bytes"),
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            f"{one.protocol}/{one.port}",
            one.service,
            one.known_uses,
            one.conversations,
            one.clients,
            one.servers,
            one.packets,
            one.bytes,
        ]
        for one in report.statistics.ports[:cap]
    ]
    total = max(report.statistics.port_total, len(report.statistics.ports))
    return grid("Server ports", columns, rows, total, cap=cap, one_day=True, noun="ports")


def expert(report: Report, *, cap: int) -> Grid:
    """Expert information of the dissectors, by kind."""
    columns = _columns(
        ("Severity", "text"), ("Group", "text"), ("Protocol", "text"), ("Summary", "text"), ("Count", "count"),
        ("First frame", "frame"),
    )  # fmt: skip
    found = report.statistics.expert
    rows: list[list[Cell]] = [
        [one.severity, one.group, one.protocol, one.summary, one.count, one.first_frame] for one in found[:cap]
    ]
    return grid("Expert information", columns, rows, len(found), cap=cap, one_day=True, noun="kinds")


def hierarchy(report: Report, *, cap: int) -> Grid:
    """The protocol hierarchy; the level shows as an indent."""
    columns = _columns(("Protocol", "text"), ("Frames", "count"), ("Share of frames", "percent"), ("Bytes", "bytes"))
    found = report.statistics.protocol_hierarchy
    packets = report.capture.packets or 1
    rows: list[list[Cell]] = [
        ["\u00a0\u00a0" * one.level + one.protocol, one.frames, one.frames / packets * 100, one.bytes]
        for one in found[:cap]
    ]
    return grid("Protocol hierarchy", columns, rows, len(found), cap=cap, one_day=True, noun="protocols")


def paths(report: Report, *, cap: int, short: bool = False) -> Grid:
    """Where the time goes between each client and server; medians. `short` leaves out the less telling times."""
    columns = _columns(
        ("Client", "address"), ("Server", "address"), ("Port", "port"), ("Sessions", "count"),
        ("Round trip", "seconds"),
        ("Client side", "seconds"), ("Server side", "seconds"), ("Server at work", "seconds"), ("Longest", "seconds"),
        ("Client at work", "seconds"), ("Sent again", "count"), ("Zero windows", "count"), ("Resets", "count"),
    )  # fmt: skip
    found = report.transport.paths
    rows: list[list[Cell]] = [
        [
            one.client, one.server, one.port, one.sessions, one.rtt_s, one.rtt_client_s, one.rtt_server_s,
            one.server_think_s,
            one.server_think_max_s, one.client_think_s, one.retransmissions, one.zero_windows, one.resets,
        ]
        for one in found[:cap]
    ]  # fmt: skip
    if short:
        columns, rows = _without(columns, rows, ("Longest", "Client at work"))
    total = max(report.transport.paths_total, len(found))
    return grid("TCP paths", columns, rows, total, cap=cap, one_day=True, noun="paths")


def dns_names(report: Report, *, cap: int, short: bool = False) -> Grid:
    """Names that were asked for; `short` leaves out the answers and the longest TTL."""
    columns = _columns(
        ("Name", "text"), ("Types", "text"), ("Queries", "count"), ("Answers", "count"), ("Failures", "count"),
        ("Clients", "text"),
        ("Addresses", "text"), ("TTL, shortest", "count"), ("TTL, longest", "count"), ("First asked", "time"),
    )  # fmt: skip
    found = report.dns.names
    rows: list[list[Cell]] = [
        [
            one.name, ", ".join(one.types), one.queries, one.answers, one.failures, some(one.clients, 3),
            some(one.addresses, 4),
            one.ttl_min_s, one.ttl_max_s, one.first_time,
        ]
        for one in found[:cap]
    ]  # fmt: skip
    if short:
        columns, rows = _without(columns, rows, ("Answers", "TTL, longest"))
    total = max(report.dns.names_total, len(found))
    return grid("Names asked for", columns, rows, total, cap=cap, one_day=one_day(report), noun="names")


def files(report: Report, *, cap: int, short: bool = False) -> Grid:
    """Files that crossed the wire; `short`, for paper, leaves out the time and most of each hash."""
    columns = _columns(
        ("Name", "text"), ("Protocol", "text"), ("From", "address"), ("To", "address"), ("Bytes", "bytes"),
        ("Declared as", "text"),
        ("Is really", "text"), ("SHA-256", "hex"), ("Frame", "frame"), ("Time", "time"),
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            one.name + ("" if one.complete else " (incomplete)"), one.protocol, one.source, one.destination,
            one.bytes,
            one.declared_type, one.detected_type,
            f"{one.sha256[:HASH_START]}\u2026" if short and one.sha256 else one.sha256,
            one.frame, one.time,
        ]
        for one in report.files[:cap]
    ]  # fmt: skip
    if short:
        columns, rows = _without(columns, rows, ("Time",))
    total = max(report.files_total, len(report.files))
    return grid("Files on the wire", columns, rows, total, cap=cap, one_day=one_day(report), noun="files")


def hosts(report: Report, *, cap: int, short: bool = False) -> Grid:
    """Hosts and what the capture shows of them; columns that no host has anything for are left out.

    `short`, for paper, puts some columns together and leaves out packets and time.
    """
    found = report.hosts
    columns = _columns(
        ("Address", "address"), ("Where", "text"), ("Names", "text"), ("Users", "text"), ("MAC and vendor", "text"),
        ("VLAN", "text"), ("System", "text"), ("System and services" if short else "Offered", "text"),
        ("Country, AS", "text"), ("Packets sent", "count"),
        ("Bytes sent", "bytes"),
        ("Bytes received", "bytes"), ("First seen", "time"),
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for one in found[:cap]:
        names, users, offered = some(one.names, 3), some(one.users, 3), some(one.services, 4)
        if short:
            names, users = "; ".join(filter(None, (names, users and f"user {users}"))), ""
        # What a TTL is usual for need not be said in every row.
        hint = one.os_hint.split(",", 1)[0] if short else one.os_hint
        system, offered = ("", "; ".join(filter(None, (hint, offered)))) if short else (hint, offered)
        rows.append([
            one.address, "home" if one.local else "elsewhere", names, users,
            some(_cards(one), 2), ", ".join(one.vlans), system, offered,
            ", ".join(filter(None, (one.country, one.autonomous_system))), one.packets_sent, one.bytes_sent,
            one.bytes_received, one.first_time,
        ])  # fmt: skip
    empty = [column.name for index, column in enumerate(columns) if all(row[index] in ("", None) for row in rows)]
    columns, rows = _without(columns, rows, [*empty, *(("Packets sent", "First seen") if short else ())])
    total = max(report.hosts_total, len(found))
    return grid("Hosts", columns, rows, total, cap=cap, one_day=one_day(report), noun="hosts")


def _cards(host: Host) -> list[str]:
    """Hardware addresses with their makers."""
    makers = [*host.vendors, *([""] * len(host.macs))]
    return [f"{mac} ({maker})" if maker else mac for mac, maker in zip(host.macs, makers, strict=False)]


def indicators(report: Report, *, cap: int) -> Grid:
    """Indicators, defanged."""
    codes = {finding.id: finding.code for finding in report.findings}
    columns = _columns(("Type", "text"), ("Indicator (defanged)", "hex"), ("From finding", "text"), ("Note", "text"))
    rows: list[list[Cell]] = [
        [one.type, one.defanged or formats.defang(one.value), codes.get(one.finding, one.finding), one.note]
        for one in report.indicators[:cap]
    ]
    return grid("Indicators", columns, rows, len(report.indicators), cap=cap, one_day=True, noun="indicators")


def news(report: Report, *, cap: int, short: bool = False) -> Grid:
    """What the baseline does not know; `short` leaves out the filter."""
    columns = _columns(
        ("What", "text"), ("Host", "address"), ("New or unusual", "text"), ("Seen", "text"), ("Known instead", "text"),
        ("Signs", "text"), ("First frame", "frame"), ("Time", "time"), ("Display filter", "text"),
    )  # fmt: skip
    view = report.normal
    rows: list[list[Cell]] = [
        [
            one.kind if one.mark != "unusual amount" or one.kind == "amount" else f"{one.kind}, unusual", one.host,
            one.what, one.seen, one.usual, "; ".join(one.signs), one.first_frame, one.first_time, one.display_filter,
        ]
        for one in (view.news[:cap] if view is not None else [])
    ]  # fmt: skip
    if short:
        columns, rows = _without(columns, rows, ("Display filter", "Time"))
    total = view.news_total if view is not None else 0
    return grid("New or unusual, whether or not a rule fired", columns, rows, total, cap=cap, one_day=one_day(report),
                noun="things", longest=160)  # fmt: skip


def lowered(report: Report, *, cap: int) -> Grid:
    """Findings that the baseline rated lower."""
    columns = _columns(("Finding", "text"), ("Subject", "text"), ("Priority", "text"), ("Because", "text"))
    found = report.normal.lowered if report.normal is not None else []
    rows: list[list[Cell]] = [
        [f"{one.code} {one.name}", one.subject, f"{one.before} \u2192 {one.after}", one.because] for one in found[:cap]
    ]
    return grid("Rated lower because usual here", columns, rows, len(found), cap=cap, one_day=True, noun="findings")


def expected(report: Report, *, cap: int) -> Grid:
    """Expected against observed, what differs first."""
    columns = _columns(
        ("Verdict", "text"), ("Host", "address"), ("What", "text"), ("Expected", "text"), ("Observed", "text"),
        ("First frame", "frame"), ("Display filter", "text"),
    )  # fmt: skip
    view = report.expected
    rows: list[list[Cell]] = [
        [one.verdict, one.host, one.what, one.expected, one.observed, one.first_frame, one.display_filter]
        for one in (view.rows[:cap] if view is not None else [])
    ]
    total = view.rows_total if view is not None else 0
    return grid("Expected and observed", columns, rows, total, cap=cap, one_day=True, noun="lines", longest=160)


def some(items: Sequence[str], most: int) -> str:
    """The first few of a list, and how many more there are."""
    if len(items) <= most:
        return ", ".join(items)
    return f"{', '.join(items[:most])} and {len(items) - most:,} more"
