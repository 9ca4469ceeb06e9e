"""What several rules of this family need: masking, cutting, grouping of streams by client and server."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence

import polars as pl

from tshark_report.rules import filters
from tshark_report.rules.base import Context
from tshark_report.story.words import clock, listed
from tshark_report.tables.tables import Tables

CUT = 120
"""Characters of one value from the wire in a summary."""
MOST_FINDINGS = 10
"""Findings of one rule; the most telling come first."""


def cut(text: object, limit: int = CUT) -> str:
    """A value from the wire on one line, at most `limit` characters."""
    flat = re.sub(r"\s+", " ", str(text)).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def called(context: Context, address: str) -> str:
    """An address with the name this capture shows for it, cut."""
    name = context.tables.names.get(address)
    return f"{cut(name, 70)} ({address})" if name and name != address else address


def masked(characters: int) -> str:
    """A secret as the report shows it."""
    return "<empty>" if characters == 0 else f"<{characters} character{'s' if characters != 1 else ''}>"


def minutes(first: float, last: float) -> str:
    """`at 09:14:07 UTC`, `from 09:14:07 to 09:20:01 UTC`."""
    a, b = clock(first), clock(last)
    return f"at {a} UTC" if a == b else f"from {a} to {b} UTC"


def names(values: Iterable[str], limit: int = 5, noun: str = "more") -> str:
    """Distinct values in order of appearance, cut, as a list in words."""
    return listed([cut(v, 60) for v in dict.fromkeys(values)], limit, noun)


def base64_text(value: str) -> str | None:
    """What a base64 text says, where it is one and says text; None otherwise."""
    compact = value.strip()
    if len(compact) < 2 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", compact):
        return None
    try:
        raw = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    text = raw.decode("utf-8", "replace")
    return text if text.replace("\0", "").isprintable() else None


def dense(times: Sequence[float], need: int, window: float) -> bool:
    """True where `need` of these moments (ascending) lie within `window` seconds."""
    return any(times[i + need - 1] - times[i] <= window for i in range(len(times) - need + 1))


def many_within(moments: Sequence[tuple[float, str]], need: int, window: float) -> bool:
    """True where `need` different values lie within `window` seconds; `moments` are in order of time."""
    seen: dict[str, int] = {}
    start = 0
    for when, value in moments:
        seen[value] = seen.get(value, 0) + 1
        while when - moments[start][0] > window:
            old = moments[start][1]
            seen[old] -= 1
            if not seen[old]:
                del seen[old]
            start += 1
        if len(seen) >= need:
            return True
    return False


def ordered(frames: Iterable[int]) -> list[int]:
    """Frame numbers once each, ascending."""
    return sorted(set(frames))


def towards(client: str, server: str, port: int, transport: str = "tcp") -> str:
    """Packets from a client to a server's port."""
    return filters.all_of(filters.src(client), filters.dst(server), filters.dst_port(transport, port))


def answers_of(client: str, server: str, port: int, transport: str = "tcp") -> str:
    """Packets from a server's port to a client."""
    return filters.all_of(filters.src(server), filters.dst(client), filters.src_port(transport, port))


def streams_filter(streams: Sequence[int], transport: str = "tcp") -> str:
    """Packets of these streams."""
    return filters.one_of(f"{transport}.stream", sorted(set(streams)))


def later_sessions(tables: Tables, a: str, b: str, after: float, within: float) -> list[dict[str, object]]:
    """TCP sessions between two hosts, either way, that began in a time after something; in order of time."""
    between = ((pl.col("client") == a) & (pl.col("server") == b)) | ((pl.col("client") == b) & (pl.col("server") == a))
    found = tables.tcp_sessions.filter(between & (pl.col("start") >= after) & (pl.col("start") <= after + within))
    return (
        found.sort("start")
        .select(
            "stream",
            "client",
            "server",
            "server_port",
            "start",
            "client_payload",
            "server_payload",
            "established",
            "protocol",
        )
        .to_dicts()
    )


def opening_of(tables: Tables, stream: int, source: str) -> bytes:
    """The first bytes that one side of a TCP stream sent; empty where none were kept."""
    found = tables.openings.filter(
        (pl.col("transport") == "tcp")
        & (pl.col("stream") == stream)
        & (pl.col("src") == source)
        & (pl.col("order") == 0)
    )
    return bytes(found["data"][0]) if found.height else b""
