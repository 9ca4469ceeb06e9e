"""Rows of tables for this family's tests: TCP sessions as packets, and lines of logins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.builders import START, family, packets, tables
from tshark_report.tables.tables import Tables

CLIENT, SERVER, OUTSIDE = "10.0.0.5", "10.0.0.80", "203.0.113.9"


def session(
    stream: int, *, client: str = CLIENT, server: str = SERVER, port: int = 22, at: float = 0.0, seconds: float = 1.0,
    up: int = 1700, down: int = 1800,
) -> list[dict[str, Any]]:  # fmt: skip
    """Packets of one TCP session: handshake, one packet with all that each side sent."""
    there = {"src": client, "dst": server, "src_port": 40000 + stream, "dst_port": port, "stream": stream}
    back = {"src": server, "dst": client, "src_port": port, "dst_port": 40000 + stream, "stream": stream}
    start = START + at
    return [
        there | {"time": start, "flags": 0x02},
        back | {"time": start + 0.001, "flags": 0x12},
        there | {"time": start + 0.002, "flags": 0x10},
        there | {"time": start + 0.01, "flags": 0x18, "payload": up},
        back | {"time": start + seconds, "flags": 0x18, "payload": down},
    ]


def sessions(*made: Sequence[dict[str, Any]], **more: Any) -> Tables:
    """Tables of several sessions; other tables by keyword."""
    return tables(packets=packets(*[row for one in made for row in one]), **more)


def there(**columns: Any) -> dict[str, Any]:
    """A row from the client to the server."""
    return {"src": CLIENT, "dst": SERVER, "src_port": 40000, "dst_port": 21} | columns


def back(**columns: Any) -> dict[str, Any]:
    """A row from the server to the client."""
    return {"src": SERVER, "dst": CLIENT, "src_port": 21, "dst_port": 40000} | columns


def ftp_try(stream: int, user: str, secret: str, code: int) -> list[dict[str, Any]]:
    """An FTP login and its answer."""
    return [
        there(stream=stream, command="USER", argument=user),
        there(stream=stream, command="PASS", argument=secret),
        back(stream=stream, code=code, text="said so"),
    ]


def ftp(*tries: Sequence[dict[str, Any]]) -> Tables:
    """Tables of FTP logins."""
    return tables(ftp=family("ftp", *[row for one in tries for row in one]))
