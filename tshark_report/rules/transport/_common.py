"""What several rules about transport, network and applications need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.story.words import count, iso_time, listed
from tshark_report.tables.sessions import ACK, RST, SYN
from tshark_report.tables.tables import Tables

FINDINGS = 10
"""Findings of one rule at most; the most telling first."""
SHOWN = 120
"""Characters of a text from the wire that a summary quotes."""
FRAMES_IN_FILTER = 50
"""Frames that a filter names one by one, where no field tells them from their neighbours."""
EXCHANGES_SHOWN = 25
"""Questions and answers (two frames each) that a finding's filter names; the slowest stand first."""

RFC9293 = Reference(title="RFC 9293: Transmission Control Protocol", url="https://www.rfc-editor.org/rfc/rfc9293")
RFC6298 = Reference(
    title="RFC 6298: Computing TCP's Retransmission Timer", url="https://www.rfc-editor.org/rfc/rfc6298"
)
RFC5681 = Reference(title="RFC 5681: TCP Congestion Control", url="https://www.rfc-editor.org/rfc/rfc5681")
RFC792 = Reference(title="RFC 792: Internet Control Message Protocol", url="https://www.rfc-editor.org/rfc/rfc792")
WIRESHARK_TCP = Reference(
    title="Wireshark User's Guide: TCP Analysis",
    url="https://www.wireshark.org/docs/wsug_html_chunked/ChAdvTCPAnalysis.html",
)

CAPTURE_LOST = Innocent(
    explanation=(
        "The capturing host was too slow, or its switch port overloaded, and the packets are missing only in the file."
    ),
    tell_apart=(
        "Then acknowledgements of data appear that the capture does not hold, and the receiver asks for nothing again."
    ),
)


def number(value: object) -> float:
    """An aggregate of Polars, whose type it does not tell, as a number; 0 where there is none."""
    return float(value) if isinstance(value, int | float) else 0.0


def whole(value: object) -> int:
    """An aggregate of Polars as a whole number; 0 where there is none."""
    return int(number(value))


FEW = 1000
"""Rows below which plain Python is done before Polars has begun."""


def frame_numbers(rows: pl.DataFrame, column: str = "frame") -> list[int]:
    """Frame numbers in order, each once."""
    if rows.height < FEW:
        return sorted({int(n) for n in rows[column].to_list() if n is not None})
    return [int(n) for n in rows[column].drop_nulls().unique().sort().to_list()]


def cut(text: object, limit: int = SHOWN) -> str:
    """A text from the wire, shortened."""
    shown = str(text or "")
    return shown if len(shown) <= limit else shown[: limit - 1] + "\u2026"


def when(seconds: float | None) -> str | None:
    """A moment for an evidence cell."""
    return iso_time(seconds)


def unquoted(tables: Tables) -> str:
    """Leaves out ICMP errors: the header that they quote would match as if it were their own. Empty without ICMP."""
    if tables.icmp.is_empty():
        return ""
    return filters.negated(filters.any_of(filters.exists("icmp"), filters.exists("icmpv6")))


SYN_ONLY = filters.all_of(filters.equals("tcp.flags.syn", 1), filters.equals("tcp.flags.ack", 0))


def is_syn() -> pl.Expr:
    """Packets that ask for a connection."""
    return (pl.col("flags").fill_null(0) & (SYN | ACK)) == SYN


def ports_filter(ports: Sequence[int]) -> str:
    """One of these destination ports."""
    return filters.any_of(*(filters.dst_port("tcp", port) for port in ports))


def hosts_text(addresses: Iterable[str], limit: int = 4) -> str:
    """Addresses as a list in words."""
    return listed([str(a) for a in addresses], limit)


def ports_text(ports: Sequence[int], limit: int = 6) -> str:
    """`port 80`, `ports 80 and 443`."""
    return f"port{'' if len(ports) == 1 else 's'} {listed([str(p) for p in ports], limit)}"


def times(number_of: int) -> str:
    """`once`, `twice`, `7 times`."""
    return {1: "once", 2: "twice"}.get(number_of, f"{number_of:,} times")


def one_sided(tables: Tables) -> bool:
    """Does this capture hold one side of TCP connections only, so that an absent answer says nothing?"""
    sessions = tables.tcp_sessions
    if sessions.height < 3:
        return False
    both = sessions.filter((pl.col("client_packets") > 0) & (pl.col("server_packets") > 0)).height
    return both == 0 and sessions["client"].n_unique() > 1


def clients_of(rows: pl.DataFrame, column: str = "client") -> list[str]:
    """The addresses of a column, each once, in order of appearance."""
    return [str(c) for c in rows[column].unique(maintain_order=True).to_list()]


def _flagged_answers(tables: Tables, server: str, ports: Sequence[int], flags: int) -> tuple[str, list[int]]:
    """Display filter and frames of a server's TCP packets from these ports with all of these flags (SYN, ACK, RST)."""
    rows = tables.packets.filter(
        (pl.col("transport") == "tcp")
        & (pl.col("src") == server)
        & pl.col("src_port").is_in(ports)
        & ((pl.col("flags").fill_null(0) & flags) == flags)
    )
    names = {SYN: "tcp.flags.syn", ACK: "tcp.flags.ack", RST: "tcp.flags.reset"}
    chosen = filters.all_of(
        filters.src(server),
        filters.any_of(*(filters.src_port("tcp", p) for p in ports)),
        *(filters.equals(name, 1) for bit, name in names.items() if flags & bit),
        unquoted(tables),
    )
    return chosen, frame_numbers(rows)


@dataclass(frozen=True)
class Refusing:
    """One server's TCP sessions that came to nothing, and its packets that say so."""

    server: str
    rows: pl.DataFrame
    """Its rows of `tcp_sessions`, by start."""
    clients: list[str]
    """In order of their first session."""
    ports: list[int]
    display_filter: str
    frames: list[int]


def refusing(tables: Tables, sessions: pl.DataFrame, servers: pl.DataFrame, flags: int) -> Iterator[Refusing]:
    """The busiest servers with their part of `sessions`, at most FINDINGS.

    Args:
        tables: where the servers' packets stand.
        sessions: rows of `tcp_sessions` that came to nothing.
        servers: columns `server`, and `n` by which they are ordered.
        flags: TCP flags of the packets by which a server told that it came to nothing.
    """
    for server in servers.sort(["n", "server"], descending=[True, False]).head(FINDINGS)["server"].to_list():
        rows = sessions.filter(pl.col("server") == server).sort("start", maintain_order=True)
        ports = sorted({int(p) for p in rows["server_port"].to_list()})
        display_filter, frames = _flagged_answers(tables, server, ports, flags)
        yield Refusing(server, rows, clients_of(rows), ports, display_filter, frames)


__all__ = [
    "CAPTURE_LOST",
    "EXCHANGES_SHOWN",
    "FINDINGS",
    "FRAMES_IN_FILTER",
    "RFC792",
    "RFC5681",
    "RFC6298",
    "RFC9293",
    "SYN_ONLY",
    "WIRESHARK_TCP",
    "clients_of",
    "count",
    "cut",
    "frame_numbers",
    "hosts_text",
    "is_syn",
    "listed",
    "number",
    "one_sided",
    "ports_filter",
    "ports_text",
    "refusing",
    "times",
    "unquoted",
    "when",
    "whole",
]
