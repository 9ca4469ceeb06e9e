"""What was found: findings with their evidence, starting points with their line-ups, and what was checked."""

from __future__ import annotations

from typing import Literal

from tshark_report.report.model.basics import CheckStatus, Confidence, Layer, LineUpMark, Model, Priority, Table


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


class Verdict(Model, frozen=True, kw_only=True):
    """One sentence for the ticket, and the layer at which the trouble is, if there is any."""

    headline: str
    layer: Layer
    reason: str


class Indicator(Model, frozen=True, kw_only=True):
    """Something to search for elsewhere."""

    type: Literal["ipv4", "ipv6", "domain", "url", "sha256", "user-agent", "ja3", "email", "mac", "certificate"]
    value: str
    defanged: str
    finding: str
    note: str = ""
