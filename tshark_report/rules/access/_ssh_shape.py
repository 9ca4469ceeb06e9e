"""What the sizes of an SSH session's segments tell, though all of them are encrypted.

After the key exchange the server first says that it knows the authentication service, then refuses or accepts each
try. SSH_MSG_USERAUTH_SUCCESS has no content (RFC 4252, section 5.1), so it is the smallest packet that a server has
sent so far; a refusal names the methods that are left and is larger. Servers send both at once, in segments of their
own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from tshark_report.rules import near
from tshark_report.tables.tables import Tables

KEY_EXCHANGE = 200
"""Bytes from which a server's segment belongs to the key exchange (list of algorithms, host key with signature)."""
SMALL = 200
"""Bytes below which a segment may be an answer to a try."""
ASKED = 5
"""Segments that the client sends from the server's list of algorithms to its second try: key exchange, new keys,
service, first and second try."""


def accepted(tables: Tables, streams: list[int]) -> set[int]:
    """Streams in which the server accepted a login, by the sizes of its answers; a doubtful one is left out."""
    return {stream for stream, sizes in _sizes(tables, streams) if _has_success(sizes)}


def refusals(tables: Tables, streams: list[int]) -> dict[int, int]:
    """Tries that each stream's server refused, by answers of one and the same size; none where it accepted one."""
    return {stream: 0 if _has_success(sizes) else _same_answers(sizes) for stream, sizes in _sizes(tables, streams)}


def _sizes(tables: Tables, streams: list[int]) -> Iterator[tuple[int, list[tuple[bool, int]]]]:
    """For each stream the sizes of its segments with payload, in order; True where the server sent it."""
    rows = near.of_streams(tables, "tcp", streams).filter(pl.col("payload") > 0)
    servers = {
        int(stream): (str(server), int(port))
        for stream, server, port in tables.tcp_sessions.filter(pl.col("stream").is_in(streams))
        .select("stream", "server", "server_port")
        .iter_rows()
    }
    for (number,), mine in rows.group_by("stream", maintain_order=True):
        stream = int(str(number))
        if stream in servers:
            ends = mine["src", "src_port", "payload"].iter_rows()
            yield stream, [((src, port) == servers[stream], int(size)) for src, port, size in ends]


def _same_answers(sizes: list[tuple[bool, int]]) -> int:
    """How often the server gave the answer that it gave most, each time to a segment of the client.

    The first is left out: clients ask without a password first, to be told which methods there are (RFC 4252,
    section 5.2).
    """
    started, answers = False, Counter[int]()
    before = True
    for from_server, size in sizes:
        if from_server and size >= KEY_EXCHANGE:
            started = True
        elif from_server and started and not before and size < SMALL:
            answers[size] += 1
        before = from_server
    return max(answers.values(), default=1) - 1


def _has_success(sizes: list[tuple[bool, int]]) -> bool:
    """Sizes of segments in order, True for the server's: does one stand out as the smallest answer so far?"""
    started, asked = False, 0
    answers: list[int] = []
    for from_server, size in sizes:
        if not from_server:
            asked += started
        elif size >= KEY_EXCHANGE and not answers:
            started = True
        elif started and size < SMALL:
            if asked >= ASKED and len(answers) >= 2 and size < min(answers):
                return True
            answers.append(size)
    return False
