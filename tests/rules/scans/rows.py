"""Rows of the packets table that these tests are about."""

from __future__ import annotations

from typing import Any

from tests.builders import START

Row = dict[str, Any]


def syn(stream: int, dst: str, port: int, src: str = "10.0.0.5", **more: Any) -> Row:
    """A SYN without an answer."""
    row = {
        "src": src,
        "dst": dst,
        "src_port": 40000 + stream % 20000,
        "dst_port": port,
        "stream": stream,
        "flags": 0x02,
    }
    return row | {"seq": 1000 + 7919 * stream, "ack": 0} | more


def answer(row: Row, flags: int = 0x12, **more: Any) -> Row:
    """The other side's packet."""
    back = {"src": row["dst"], "dst": row["src"], "src_port": row["dst_port"], "dst_port": row["src_port"]}
    base = {"stream": row["stream"], "flags": flags, "seq": 555 + row["stream"], "ack": row["seq"] + 1, "ttl": 57}
    return row | back | base | more


def refused(stream: int, dst: str, port: int, src: str = "10.0.0.5") -> list[Row]:
    """A SYN that a reset answers."""
    asked = syn(stream, dst, port, src)
    return [asked, answer(asked, 0x14)]


def session(stream: int, dst: str, port: int, src: str = "10.0.0.5", **more: Any) -> list[Row]:
    """A connection with a question and an answer."""
    asked = syn(stream, dst, port, src, **more)
    data = asked | {"flags": 0x18, "payload": 100, "length": 154, "seq": asked["seq"] + 1}
    return [
        asked,
        answer(asked),
        asked | {"flags": 0x10, "seq": asked["seq"] + 1},
        data,
        answer(asked, 0x18, payload=900, length=954),
    ]


def flat(parts: list[list[Row]]) -> list[Row]:
    """Rows of several connections, one after the other, a millisecond apart."""
    return timed([row for part in parts for row in part])


def timed(rows: list[Row], step: float = 0.001) -> list[Row]:
    """The same rows with times `step` apart."""
    return [{"time": START + n * step} | row for n, row in enumerate(rows)]


def hosts(count: int, net: str = "198.18") -> list[str]:
    """Addresses outside the home networks."""
    return [f"{net}.{n // 250}.{n % 250 + 1}" for n in range(count)]
