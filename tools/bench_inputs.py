"""Captures that are large in one way only: ports, names, conversations. They show whether cost grows in a line."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

CLIENT, SERVER = bytes((10, 0, 0, 9)), bytes((198, 51, 100, 7))
START = 1_700_000_000.0
SYN, RST_ACK, SYN_ACK, ACK, PSH_ACK = 0x02, 0x14, 0x12, 0x10, 0x18
Frame = tuple[float, bytes]


def _ethernet(source: bytes, target: bytes, protocol: int, body: bytes, ident: int) -> bytes:
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident & 0xFFFF, 0x4000, 64, protocol, 0, source, target
    )
    macs = b"\x02\x00" + target + b"\x02\x00" + source
    return macs + b"\x08\x00" + head + body


def _tcp(ports: tuple[int, int], seq: int, ack: int, flags: int, data: bytes = b"") -> bytes:
    return struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 64240, 0, 0) + data


def scanned_ports(count: int) -> Iterator[Frame]:
    """One host asks `count` ports of another; every 997th is open."""
    for number in range(count):
        port, at = 1 + number % 65535, START + number / 2000
        yield at, _ethernet(CLIENT, SERVER, 6, _tcp((40000, port), 1000, 0, SYN), number)
        answer = SYN_ACK if number % 997 == 0 else RST_ACK
        yield at + 0.0002, _ethernet(SERVER, CLIENT, 6, _tcp((port, 40000), 5000, 1001, answer), number)


def asked_names(count: int) -> Iterator[Frame]:
    """One client asks one resolver for `count` names, a hundred under each registered domain."""
    resolver = bytes((10, 0, 0, 53))
    for number in range(count):
        labels = (f"host{number}".encode(), f"site{number // 100}".encode(), b"example")
        name = b"".join(bytes([len(part)]) + part for part in labels) + b"\0"
        question = name + struct.pack(">HH", 1, 1)
        asked = struct.pack(">HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + question
        record = struct.pack(">HHHIH4s", 0xC00C, 1, 1, 300, 4, bytes((203, 0, 113, number % 250 + 1)))
        told = struct.pack(">HHHHHH", number & 0xFFFF, 0x8180, 1, 1, 0, 0) + question + record
        at, port = START + number / 50, 20000 + number % 40000
        for when, source, target, ports, body in (
            (at, CLIENT, resolver, (port, 53), asked),
            (at + 0.004, resolver, CLIENT, (53, port), told),
        ):
            datagram = struct.pack(">HHHH", *ports, 8 + len(body), 0) + body
            yield when, _ethernet(source, target, 17, datagram, number)


def conversations(count: int) -> Iterator[Frame]:
    """`count` clients, each with one short exchange with a server of its own."""
    for number in range(count):
        client = struct.pack(">I", 0x0A010000 + number)
        server = struct.pack(">I", 0xC6120000 + number)
        out, back = (30000 + number % 30000, 8080), (8080, 30000 + number % 30000)
        steps = (
            (client, server, out, 1, 0, SYN, b""),
            (server, client, back, 9, 2, SYN_ACK, b""),
            (client, server, out, 2, 10, PSH_ACK, b"q" * 200),
            (server, client, back, 10, 202, PSH_ACK, b"a" * 900),
            (client, server, out, 202, 910, ACK, b""),
        )
        for place, (source, target, ports, seq, ack, flags, data) in enumerate(steps):
            at = START + number / 100 + place * 0.01
            yield at, _ethernet(source, target, 6, _tcp(ports, seq, ack, flags, data), number * 5 + place)


SHAPES: dict[str, tuple[Callable[[int], Iterator[Frame]], int]] = {
    "scan of {:,} ports": (scanned_ports, 65_000),
    "{:,} DNS names": (asked_names, 50_000),
    "{:,} conversations": (conversations, 5_000),
}
"""What is large, how it is made, and how large it is measured; half as large is measured too."""


def write(path: Path, frames: Iterator[Frame]) -> None:
    """A pcap file of these frames, in order of time."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for at, frame in sorted(frames, key=lambda f: f[0]):
            out.write(struct.pack("<IIII", int(at), round(at % 1 * 1e6) % 1_000_000, len(frame), len(frame)) + frame)
