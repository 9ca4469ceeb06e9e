"""The report as data: every renderer reads this and nothing else.

The shape is a public interface. Field names keep their meaning; fields may be
added. Times are UTC, ISO 8601 with microseconds; sizes are bytes and durations
seconds, both plain numbers. Text that came from the wire stands here raw, with
invalid UTF-8 replaced: escaping is the work of the renderer that knows where the
text will stand.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA_VERSION = 1

Priority = Literal["high", "medium", "low", "info"]
Confidence = Literal["high", "medium", "low"]
Layer = Literal["application", "transport", "network", "link", "none", "undecided"]
CheckStatus = Literal["fired", "quiet", "not-applicable", "not-evaluated", "error"]
ColumnType = Literal[
    "text", "address", "port", "count", "bytes", "seconds", "milliseconds", "time", "frame", "percent", "hex"
]
LineUpMark = Literal["constant", "counting", "odd", "varying"]
Cell = str | int | float | bool | None

PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low", "info")
CONFIDENCES: tuple[Confidence, ...] = ("high", "medium", "low")


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything in the report: immutable, no unknown fields.

    `frozen` and `kw_only` are said again on each class: msgspec hands the second down to none, mypy neither.
    """


class Column(Model, frozen=True, kw_only=True):
    """One column of a table: its heading and what its cells are, so that a renderer can format and align them."""

    name: str
    type: ColumnType = "text"


class Table(Model, frozen=True, kw_only=True):
    """Rows under typed columns. `total_rows` counts what there was before the table was cut."""

    columns: list[Column]
    rows: list[list[Cell]]
    total_rows: int


class Innocent(Model, frozen=True, kw_only=True):
    """A harmless event that would look the same, and what would tell the two apart."""

    explanation: str
    tell_apart: str


class Reference(Model, frozen=True, kw_only=True):
    """Where the rule's reasoning comes from: an RFC, a paper, an ATT&CK technique."""

    title: str
    url: str = ""


class LineUpColumn(Model, frozen=True, kw_only=True):
    """One field over the lined-up packets, and how it behaves from packet to packet."""

    name: str
    field: str
    mark: LineUpMark
    note: str = ""


class LineUp(Model, frozen=True, kw_only=True):
    """Packets under each other: `rows[i][j]` is the text of column j in packet i; `odd` names cells that differ."""

    columns: list[LineUpColumn]
    frames: list[int]
    rows: list[list[str]]
    odd: list[tuple[int, int]] = []
    total_packets: int = 0


class Finding(Model, frozen=True, kw_only=True):
    """One thing that was seen. Same code and same subject are one finding."""

    id: str
    code: str
    name: str
    question: str
    title: str
    subject: str
    hosts: list[str]
    summary: str
    priority: Priority
    confidence: Confidence
    display_filter: str
    matched_packets: int
    """Packets that tshark selected with `display_filter`."""
    filter_checked: bool
    """True where tshark ran the filter on this capture and selected as many packets as the rule counted."""
    first_frame: int | None
    last_frame: int | None
    first_time: str | None
    last_time: str | None
    frames: list[int] = []
    """Frame numbers behind the finding, at most 200 of them."""
    evidence: Table
    why: str
    innocent: list[Innocent]
    confirm: list[str]
    reproduce: str
    references: list[Reference] = []
    lowered_because: str = ""
    """Why priority or confidence is lower than the rule alone would say; empty where nothing lowered it."""
    normal: str = ""
    """What the baseline says: `usual here`, `new here`, `unusual amount`; empty without one."""
    normal_because: str = ""


class LayerDetail(Model, frozen=True, kw_only=True):
    """One protocol layer of a decoded packet, a line a field, as Wireshark's packet details show it."""

    name: str
    lines: list[str]


class PacketDetail(Model, frozen=True, kw_only=True):
    """A cited packet, layer by layer. It was decoded on its own, so what was reassembled from others is not in it."""

    frame: int
    layers: list[LayerDetail]


class StartingPoint(Model, frozen=True, kw_only=True):
    """Where to look first: one subject, its findings told in time order."""

    rank: int
    subject: str
    hosts: list[str]
    headline: str
    story: str
    priority: Priority
    confidence: Confidence
    findings: list[str]
    why_here: str
    """One sentence: why it stands at this rank."""
    harmless: str
    """One or two sentences: the harmless event that would look the same and what tells it apart."""
    first_time: str | None = None
    last_time: str | None = None
    display_filter: str = ""
    matched_packets: int = 0
    line_up: LineUp | None = None
    details: list[PacketDetail] = []
    """At most a few of the cited packets, layer by layer."""


class Check(Model, frozen=True, kw_only=True):
    """What became of one rule. `reason` says why it did not run, or how it ended."""

    code: str
    name: str
    title: str
    question: str
    status: CheckStatus
    reason: str


class Vlan(Model, frozen=True, kw_only=True):
    """A VLAN and its traffic; `id` is `100.20` where one VLAN is inside another."""

    id: str
    packets: int
    bytes: int


class CaptureInfo(Model, frozen=True, kw_only=True):
    """The capture itself."""

    file_name: str
    sha256: str
    file_bytes: int
    file_type: str
    link_types: list[str]
    packets: int
    first_time: str | None
    last_time: str | None
    duration_s: float
    truncated: bool
    compressed: bool = False
    bytes_on_wire: int = 0
    bytes_captured: int = 0
    snap_length_cut_packets: int = 0
    interfaces: list[str] = []
    capture_application: str = ""
    capture_os: str = ""
    comments: list[str] = []
    clock_ordered: bool = True
    vlans: list[Vlan] = []
    """Most packets first."""
    filter: str = ""
    """The display filter that the report was limited to (`--filter`, `--from`, `--to`); empty for the whole file."""
    warnings: list[str] = []


class Verdict(Model, frozen=True, kw_only=True):
    """One sentence for the ticket, and the layer at which the trouble is, if there is any."""

    headline: str
    layer: Layer
    reason: str


class Host(Model, frozen=True, kw_only=True):
    """One address and what the capture shows of it."""

    address: str
    local: bool
    macs: list[str] = []
    vendors: list[str] = []
    """The maker of each of `macs`, or that it is locally administered; empty text where it is not known."""
    names: list[str] = []
    users: list[str] = []
    os_hint: str = ""
    services: list[str] = []
    """What it offered, for example `tcp/443 (https)`."""
    packets_sent: int = 0
    packets_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    first_time: str | None = None
    last_time: str | None = None
    vlans: list[str] = []
    """VLANs in which it sent."""
    country: str = ""
    autonomous_system: str = ""


class CarriedFile(Model, frozen=True, kw_only=True):
    """A file that crossed the wire."""

    name: str
    protocol: str
    source: str
    destination: str
    bytes: int
    sha256: str
    declared_type: str
    detected_type: str
    frame: int | None = None
    time: str | None = None
    complete: bool = True


class HierarchyRow(Model, frozen=True, kw_only=True):
    """A protocol in tshark's protocol hierarchy; `level` 0 is the outermost."""

    protocol: str
    level: int
    frames: int
    bytes: int


class Conversation(Model, frozen=True, kw_only=True):
    """Two endpoints of one protocol. A is the side that sent first."""

    protocol: Literal["ethernet", "ipv4", "ipv6", "tcp", "udp"]
    address_a: str
    port_a: int | None
    address_b: str
    port_b: int | None
    stream: int | None
    packets: int
    bytes: int
    packets_a_to_b: int
    bytes_a_to_b: int
    packets_b_to_a: int
    bytes_b_to_a: int
    first_time: str
    duration_s: float
    first_frame: int
    display_filter: str = ""


class Endpoint(Model, frozen=True, kw_only=True):
    """One address (and port) and what it sent and received."""

    protocol: Literal["ethernet", "ipv4", "ipv6", "tcp", "udp"]
    address: str
    port: int | None
    packets: int
    bytes: int
    packets_sent: int
    bytes_sent: int
    packets_received: int
    bytes_received: int


class PortRow(Model, frozen=True, kw_only=True):
    """A server port: who used it, and how much."""

    protocol: Literal["tcp", "udp"]
    port: int
    service: str
    known_uses: str
    conversations: int
    clients: int
    servers: int
    packets: int
    bytes: int


class ExpertRow(Model, frozen=True, kw_only=True):
    """One kind of tshark expert information."""

    severity: str
    group: str
    protocol: str
    summary: str
    count: int
    first_frame: int | None = None


class TrafficSeries(Model, frozen=True, kw_only=True):
    """Bytes and packets per bucket for one protocol."""

    protocol: str
    packets: list[int]
    bytes: list[int]


class Traffic(Model, frozen=True, kw_only=True):
    """Traffic over time in at most a few hundred equal buckets."""

    start: str | None
    bucket_s: float
    buckets: int
    series: list[TrafficSeries]


class TotalRows(Model, frozen=True, kw_only=True):
    """How many rows each statistic had before it was cut for the report."""

    ethernet: int = 0
    ipv4: int = 0
    ipv6: int = 0
    tcp: int = 0
    udp: int = 0


class Statistics(Model, frozen=True, kw_only=True):
    """Wireshark's own views, computed to the byte."""

    protocol_hierarchy: list[HierarchyRow]
    conversations: list[Conversation]
    conversation_totals: TotalRows
    endpoints: list[Endpoint]
    endpoint_totals: TotalRows
    ports: list[PortRow]
    port_total: int
    expert: list[ExpertRow]
    traffic: Traffic
    reconciled: bool
    reconciliation: str
    """How the computed figures compare with tshark's own taps, in words."""


class PathTiming(Model, frozen=True, kw_only=True):
    """Handshake and answer times of one TCP client and server; medians in seconds."""

    client: str
    server: str
    port: int
    sessions: int
    rtt_s: float | None
    """Median of SYN to ACK: the whole round trip, wherever the capture was taken."""
    rtt_client_s: float | None
    """Median of SYN/ACK to ACK: from the capture point to the client and back."""
    rtt_server_s: float | None
    """Median of SYN to SYN/ACK: from the capture point to the server and back."""
    server_think_s: float | None
    server_think_max_s: float | None
    client_think_s: float | None
    retransmissions: int
    zero_windows: int
    resets: int
    packets: int


class TransportHealth(Model, frozen=True, kw_only=True):
    """Is it the client, the server, the wire, or none of them?"""

    sentence: str
    tcp_packets: int
    tcp_sessions: int
    complete_handshakes: int
    unanswered_syns: int
    refused: int
    retransmissions: int
    retransmission_percent: float
    duplicate_acks: int
    zero_windows: int
    out_of_order: int
    resets: int
    paths: list[PathTiming]
    paths_total: int


class DnsName(Model, frozen=True, kw_only=True):
    """One name that was asked for."""

    name: str
    types: list[str]
    queries: int
    answers: int
    failures: int
    clients: list[str]
    addresses: list[str]
    ttl_min_s: int | None
    ttl_max_s: int | None
    first_time: str | None


class DnsView(Model, frozen=True, kw_only=True):
    """DNS as a whole."""

    queries: int
    answered: int
    unanswered: int
    nxdomain: int
    resolvers: list[str]
    median_answer_s: float | None
    names: list[DnsName]
    names_total: int


class Indicator(Model, frozen=True, kw_only=True):
    """Something to search for elsewhere."""

    type: Literal["ipv4", "ipv6", "domain", "url", "sha256", "user-agent", "ja3", "email", "mac", "certificate"]
    value: str
    defanged: str
    finding: str
    note: str = ""


class Command(Model, frozen=True, kw_only=True):
    """A command that was run for this report, ready to be run again."""

    purpose: str
    command: str


class ProtocolNote(Model, frozen=True, kw_only=True):
    """A protocol of this capture in one line: who spoke it and what was seen of it, without judgement."""

    protocol: str
    sentence: str


class Lowered(Model, frozen=True, kw_only=True):
    """A finding that was rated lower because the baseline knows it."""

    finding: str
    code: str
    name: str
    subject: str
    before: Priority
    after: Priority
    because: str


class NormalNews(Model, frozen=True, kw_only=True):
    """One thing of this capture that the baseline does not know, or knows in another amount."""

    kind: str
    host: str
    what: str
    mark: str
    usual: str
    """What the baseline knows instead."""
    seen: str
    signs: list[str] = []
    first_frame: int | None = None
    first_time: str | None = None
    display_filter: str = ""


class NormalView(Model, frozen=True, kw_only=True):
    """The capture against a baseline; counts are of findings."""

    file_name: str
    problem: str = ""
    """Why nothing was compared; empty where it was."""
    sentence: str
    remarks: list[str] = []
    created: str = ""
    captures: int = 0
    first: str = ""
    last: str = ""
    networks: list[str] = []
    hosts: int = 0
    usual: int = 0
    new: int = 0
    unusual: int = 0
    not_compared: int = 0
    lowered: list[Lowered] = []
    news: list[NormalNews] = []
    news_total: int = 0


class ExpectedRow(Model, frozen=True, kw_only=True):
    """One expectation against what was seen, or something that nobody expected."""

    verdict: Literal["as expected", "missing", "unexpected", "different"]
    host: str
    what: str
    expected: str
    observed: str
    first_frame: int | None = None
    display_filter: str = ""


class ExpectedView(Model, frozen=True, kw_only=True):
    """The capture against what a person wrote down."""

    file_name: str
    sentence: str
    problem: str = ""
    """Why nothing was compared; empty where it was."""
    rows: list[ExpectedRow] = []
    rows_total: int = 0
    as_expected: int = 0
    missing: int = 0
    unexpected: int = 0
    different: int = 0


class Ticket(Model, frozen=True, kw_only=True):
    """What the analyst wants printed on the report."""

    ticket: str = ""
    title: str = ""
    analyst: str = ""
    organisation: str = ""
    tlp: str = ""
    note: str = ""


class Tool(Model, frozen=True, kw_only=True):
    """What made the report."""

    name: str
    version: str
    tshark_version: str


class FocusMatch(Model, frozen=True, kw_only=True):
    """Something that made the reader look, and where it is in the packets."""

    kind: str
    """What it is: address, network, endpoint, port, name, url, sha256, ..., or `alert` or `moment`."""
    value: str
    defanged: str
    source: str
    """Where it was given: `--focus`, or a file and line."""
    note: str = ""
    """What the list says about it, in the list's own words."""
    where: list[str]
    """Where in the packets it stands: `packets`, `DNS questions`, `TLS server names`."""
    remark: str = ""
    """What to know of the match: only named, only the host was compared."""
    count: int = 1
    """Alerts put together; 1 for everything else."""
    hosts: list[str]
    """Who reached it, most telling first."""
    display_filter: str
    matched_packets: int
    filter_checked: bool
    """True where tshark ran the filter on this capture."""
    first_frame: int | None
    last_frame: int | None
    first_time: str | None
    last_time: str | None
    frames: list[int] = []
    """Frames that hold it, at most 200 of them."""


class FocusClient(Model, frozen=True, kw_only=True):
    """A host that the matches lead to: what it exchanged there, then what it did before, after and else."""

    address: str
    named: str
    """Address with the name that the capture shows for it."""
    sentence: str
    """With whom, when, how much each way, and what was fetched or sent."""
    display_filter: str
    matched_packets: int
    filter_checked: bool
    first_frame: int | None
    last_frame: int | None
    first_time: str | None
    last_time: str | None
    conversations: Table
    exchanged: Table
    around: Table
    """The same host shortly before and after."""
    everything: Table
    """All that the host did in this capture, by peer."""
    findings: list[str] = []
    """Findings about the packets of these conversations."""


class FocusMissing(Model, frozen=True, kw_only=True):
    """Something that was looked for and is not in the capture."""

    kind: str
    value: str
    defanged: str
    source: str
    note: str = ""


class FocusHidden(Model, frozen=True, kw_only=True):
    """What could have hidden indicators of one kind."""

    kind: str
    count: int
    reasons: list[str]


class Focus(Model, frozen=True, kw_only=True):
    """What made the reader look, and where it leads."""

    sentence: str
    asked: list[str]
    """What was given, a line for each option or file."""
    matches: list[FocusMatch]
    matches_total: int
    clients: list[FocusClient]
    clients_total: int
    others: Table
    """Other hosts that show the same pattern."""
    missing: list[FocusMissing]
    missing_total: int
    hidden: list[FocusHidden]
    findings: list[str]
    """Findings about what made the reader look; they stand before the others."""
    notes: list[str]
    """What could not be used, and what does not fit the capture."""


class Report(Model, frozen=True, kw_only=True):
    """Everything that a report shows."""

    schema_version: int
    tool: Tool
    generated: str
    ticket: Ticket
    capture: CaptureInfo
    verdict: Verdict
    overview: str
    """One paragraph: what was captured."""
    starting_points: list[StartingPoint]
    findings: list[Finding]
    checks: list[Check]
    limits: list[str]
    hosts: list[Host]
    hosts_total: int
    hosts_remark: str = ""
    """What could not be looked up about the hosts, and why."""
    files: list[CarriedFile]
    files_total: int
    protocols: list[ProtocolNote]
    transport: TransportHealth
    dns: DnsView
    statistics: Statistics
    indicators: list[Indicator]
    commands: list[Command]
    focus: Focus | None = None
    """What made the reader look; None where nothing was given."""
    normal: NormalView | None = None
    """The capture against a baseline; null where none was given."""
    expected: ExpectedView | None = None
    """The capture against what was expected; null where nothing was."""


def schema() -> dict[str, object]:
    """JSON Schema of a report."""
    return msgspec.json.schema(Report)
