"""What several rules about scans, floods and header fields need."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence

import polars as pl

from tshark_report.knowledge import load
from tshark_report.rules import filters, near
from tshark_report.story.words import clock, iso_time, listed
from tshark_report.tables.tables import Tables

FINDINGS = 10
"""Findings of one rule at most; the most telling first."""

SYN_FILTER = filters.all_of(filters.equals("tcp.flags.syn", 1), filters.equals("tcp.flags.ack", 0))

ECHO_REQUESTS = (8, 128)
ECHO_REPLIES = (0, 129)
"""Echo of ICMP (RFC 792) and of ICMPv6 (RFC 4443)."""

ERRORS_4 = (3, 4, 5, 11, 12)
ERRORS_6 = (1, 2, 3, 4)
"""ICMP and ICMPv6 types that quote the header of another packet."""


def number(value: object) -> float:
    """An aggregate of Polars, whose type it does not tell, as a number; 0 where there is none."""
    return float(value) if isinstance(value, int | float) else 0.0


def whole(value: object) -> int:
    """An aggregate of Polars as a whole number; 0 where there is none."""
    return int(number(value))


def icmp_errors(tables: Tables) -> pl.DataFrame:
    """ICMP packets that quote another packet's header."""
    kept: pl.DataFrame | None = tables.kept.get("icmp errors")
    if kept is None:
        six = pl.col("src").str.contains(":", literal=True)
        kind = pl.col("type")
        kept = tables.icmp.filter((kind.is_in(ERRORS_4) & ~six) | (kind.is_in(ERRORS_6) & six))
        tables.kept["icmp errors"] = kept
    return kept


def unquoted(tables: Tables) -> str:
    """Leaves out ICMP errors, whose quoted header would match as if it were their own; empty where there are none."""
    six = icmp_errors(tables)["src"].str.contains(":", literal=True)
    kinds = [name for name, there in (("icmp", not six.all()), ("icmpv6", six.any())) if there and six.len()]
    return filters.all_of(*(filters.negated(filters.exists(name)) for name in kinds))


def not_errors(tables: Tables) -> str:
    """Leaves out ICMP errors where other ICMP packets are wanted; empty where there are none."""
    found = icmp_errors(tables)
    six = pl.col("src").str.contains(":", literal=True)
    four_types = found.filter(~six)["type"].unique().sort().to_list()
    six_types = found.filter(six)["type"].unique().sort().to_list()
    parts = [filters.equals("icmp.type", t) for t in four_types] + [filters.equals("icmpv6.type", t) for t in six_types]
    return filters.negated(filters.any_of(*parts)) if parts else ""


def own(tables: Tables, *parts: str) -> str:
    """A filter on TCP or UDP packets that neither ICMP errors about them nor damaged TCP headers match."""
    sound = filters.exists("tcp.len") if any("tcp." in part for part in parts) and _damaged(tables) else ""
    return filters.all_of(*parts, sound, unquoted(tables))


def _damaged(tables: Tables) -> bool:
    """Are there TCP headers that break off before their flags?"""
    kept: bool | None = tables.kept.get("damaged TCP headers")
    if kept is None:
        damaged = (pl.col("transport") == "tcp") & pl.col("flags").is_null()
        kept = tables.kept["damaged TCP headers"] = bool(tables.packets.select(damaged.any()).item())
    return kept


def syn_packets(tables: Tables) -> pl.DataFrame:
    """Packets with SYN and without ACK: what SYN_FILTER selects."""
    return near.session_starts(tables).filter(pl.col("src").is_not_null())


def attempts(tables: Tables) -> pl.DataFrame:
    """One row for each client, server and TCP port that a connection was tried to.

    `open`: a SYN/ACK came. `failed`: none came, and the client sent nothing beyond SYNs and resets either (where
    only one direction was captured, it would have). `empty`: no payload in either direction.
    """
    rows = tables.tcp_sessions.filter(pl.col("syns") > 0)
    beyond = pl.col("client_packets") > pl.col("syns") + pl.col("client_resets")
    return rows.group_by("client", "server", "server_port", maintain_order=True).agg(
        (pl.col("syn_acks") > 0).any().alias("open"),
        pl.col("refused").any().alias("refused"),
        ((pl.col("syn_acks") == 0) & ~beyond).all().alias("failed"),
        ((pl.col("client_payload") + pl.col("server_payload")) == 0).all().alias("empty"),
        pl.col("start").min().alias("first"),
        pl.col("end").max().alias("last"),
    )


def services(ports: Iterable[int], limit: int = 6) -> str:
    """Port numbers with the names of those that have one: `23 (telnet), 2323 and 8080 (http-alt)`."""
    return listed([service(port) for port in ports], limit)


def service(port: int, transport: str = "tcp") -> str:
    """`23 (telnet)`, or the number alone."""
    known = notable(transport, port)
    return f"{port} ({known['service']})" if known and known.get("service") else str(port)


def notable(transport: str, port: int) -> dict[str, str] | None:
    """What knowledge/ports.toml says of a port."""
    return _by_port().get((transport, port))


def _by_port() -> dict[tuple[str, int], dict[str, str]]:
    if not _KNOWN:
        for entry in load("ports")["port"]:
            for transport in entry["transport"]:
                _KNOWN[transport, entry["number"]] = entry
    return _KNOWN


_KNOWN: dict[tuple[str, int], dict[str, str]] = {}


def span(first: float, last: float) -> str:
    """`at 09:14:07 UTC` or `between 09:14:07 and 09:15:10 UTC`; with the date where the days differ."""
    a, b = clock(first), clock(last)
    days = [(iso_time(t) or "")[:10] for t in (first, last)]
    if days[0] != days[1]:
        return f"between {days[0]} {a} and {days[1]} {b} UTC"
    return f"at {a} UTC" if a == b else f"between {a} and {b} UTC"


def ranges(numbers: Sequence[int], limit: int = 6) -> str:
    """Sorted numbers as ranges: `1-3, 22 and 4 more`."""
    made: list[list[int]] = []
    for value in sorted(set(numbers)):
        if made and value == made[-1][1] + 1:
            made[-1][1] = value
        else:
            made.append([value, value])
    return listed([str(a) if a == b else f"{a}-{b}" for a, b in made], limit)


def network(addresses: Sequence[str]) -> str:
    """The smallest network that holds all addresses, where it is small enough to say something; else empty."""
    six = any(":" in a for a in addresses)
    kind = socket.AF_INET6 if six else socket.AF_INET
    try:
        # Not ipaddress: a scan has tens of thousands of addresses, and only the first and the last of them matter.
        packed = [socket.inet_pton(kind, a.split("%", 1)[0]) for a in addresses]
    except OSError:
        return ""
    if len(packed) < 2:
        return ""
    bits, least = (128, 48) if six else (32, 16)
    first, last = int.from_bytes(min(packed)), int.from_bytes(max(packed))
    same = bits - (first ^ last).bit_length()
    inside = ipaddress.IPv6Network if six else ipaddress.IPv4Network
    return str(inside((first >> (bits - same) << (bits - same), same))) if same >= least else ""


def several(addresses: Sequence[str], limit: int = 4) -> str:
    """`10.0.0.1, 10.0.0.2 and 62 more in 10.0.0.0/24`; the network is named where it is small."""
    inside = network(addresses) if len(addresses) > limit else ""
    return listed(list(addresses), limit, f"more, all in {inside}" if inside else "more")


def busiest(times: pl.Series, seconds: float) -> int:
    """Most events that lie within `seconds` of each other."""
    if times.is_empty():
        return 0
    ordered = times.sort()
    first = ordered.search_sorted(ordered - seconds, side="left")
    return whole((pl.int_range(len(ordered), eager=True) - first.cast(pl.Int64)).max()) + 1


def frame_numbers(rows: pl.DataFrame) -> list[int]:
    """The frames of rows, each once, in order."""
    return rows["frame"].unique().sort().to_list()
