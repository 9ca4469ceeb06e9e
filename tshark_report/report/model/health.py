"""How well the transport did, and names."""

from __future__ import annotations

from tshark_report.report.model.basics import Model


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
