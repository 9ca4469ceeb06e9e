"""Who sent how much to whom, over which protocols, and when."""

from __future__ import annotations

from typing import Literal

from tshark_report.report.model.basics import Model


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


class ProtocolNote(Model, frozen=True, kw_only=True):
    """A protocol of this capture in one line: who spoke it and what was seen of it, without judgement."""

    protocol: str
    sentence: str
