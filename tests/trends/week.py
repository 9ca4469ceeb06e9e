"""A made week of daily captures, written packet by packet: on its fifth day TCP 5358 begins to be probed.

Near misses are in it too: everything else doubles and trebles on the last three days (HTTPS, DNS), and a backup on TCP
873 runs on the first and the last day, a week apart.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 8
PROBES = (0, 0, 0, 0, 45, 900, 1800, 2400)
"""Connections to TCP 5358 on each day."""
ORDINARY = (60, 64, 58, 61, 63, 130, 180, 250)
"""HTTPS connections on each day; DNS questions are as many."""
BACKUPS = (60, 0, 0, 0, 0, 0, 0, 60)

SYN, ACK, RST, PSH, FIN = 0x02, 0x10, 0x04, 0x08, 0x01
Packet = tuple[float, bytes]


@dataclass
class Ends:
    """Both ends of a conversation."""

    client: str
    client_port: int
    server: str
    server_port: int


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _ip(src: str, dst: str, protocol: int, body: bytes) -> bytes:
    a, b = socket.inet_aton(src), socket.inet_aton(dst)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0x4000, 61, protocol, 0, a, b)
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + head + body


def tcp(ends: Ends, flags: int, seq: int, ack: int, data: bytes = b"", *, back: bool = False) -> bytes:
    """One TCP segment, from the client unless `back`."""
    src, sport, dst, dport = ends.client, ends.client_port, ends.server, ends.server_port
    if back:
        src, sport, dst, dport = dst, dport, src, sport
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 64240, 0, 0) + data
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, len(head))
    return _ip(src, dst, 6, head[:16] + struct.pack("!H", _checksum(pseudo + head)) + head[18:])


def udp(ends: Ends, data: bytes, *, back: bool = False) -> bytes:
    """One UDP datagram; no checksum, as IPv4 allows."""
    src, sport, dst, dport = ends.client, ends.client_port, ends.server, ends.server_port
    if back:
        src, sport, dst, dport = dst, dport, src, sport
    return _ip(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data)


def whole(at: float, ends: Ends, asked: bytes, answered: bytes) -> Iterator[Packet]:
    """A connection that is opened, used and closed."""
    a, b = 1000, 5000
    yield at, tcp(ends, SYN, a, 0)
    yield at + 0.02, tcp(ends, SYN | ACK, b, a + 1, back=True)
    yield at + 0.021, tcp(ends, ACK, a + 1, b + 1)
    yield at + 0.022, tcp(ends, PSH | ACK, a + 1, b + 1, asked)
    a += 1 + len(asked)
    yield at + 0.05, tcp(ends, PSH | ACK, b + 1, a, answered, back=True)
    b += 1 + len(answered)
    yield at + 0.06, tcp(ends, FIN | ACK, a, b)
    yield at + 0.08, tcp(ends, FIN | ACK, b, a + 1, back=True)
    yield at + 0.081, tcp(ends, ACK, a + 1, b + 1)


def _name(text: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def question(at: float, client: str, port: int, number: int, name: str, address: str) -> Iterator[Packet]:
    """A DNS question and its answer."""
    ends = Ends(client, port, "192.168.7.1", 53)
    asked = _name(name) + struct.pack("!HH", 1, 1)
    answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 3600, 4) + socket.inet_aton(address)
    yield at, udp(ends, struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + asked)
    yield at + 0.01, udp(ends, struct.pack("!HHHHHH", number, 0x8180, 1, 1, 0, 0) + asked + answer, back=True)


def day_of(day: int, scale: float = 1.0) -> list[Packet]:
    """The packets of one day."""
    dice = random.Random(day)
    start = FIRST_DAY.timestamp() + day * 86400
    made: list[Packet] = []
    for number in range(round(ORDINARY[day] * scale)):
        at, client = start + 28800 + dice.random() * 36000, f"192.168.7.{10 + number % 25}"
        port = 40000 + number
        site = number % 6
        made += question(at - 0.5, client, port, number + 1, f"www{site}.example.com", f"198.51.100.{10 + site}")
        ends = Ends(client, port, f"198.51.100.{10 + site}", 443)
        made += whole(at, ends, b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x03\x00\x05hello")
    for number in range(round(PROBES[day] * scale)):
        at = start + dice.random() * 86000
        ends = Ends(f"203.0.{dice.randrange(64)}.{1 + dice.randrange(250)}", 1024 + dice.randrange(60000),
                    f"192.168.7.{100 + dice.randrange(60)}", 5358)  # fmt: skip
        if number % 9 == 0:
            made += whole(at, ends, b"enable\r\nsystem\r\nshell\r\nsh\r\n", b"\xff\xfd\x01\xff\xfd\x1flogin: ")
        else:
            made.append((at, tcp(ends, SYN, dice.randrange(1 << 32), 0)))
            if number % 3 == 0:
                made.append((at + 0.01, tcp(ends, RST | ACK, 0, 1, back=True)))
    for number in range(round(BACKUPS[day] * scale)):
        ends = Ends("192.168.7.5", 50000 + number, "192.168.7.6", 873)
        made += whole(start + 7200 + number * 2, ends, b"@RSYNCD: 31.0\n", b"@RSYNCD: 31.0\n")
    return sorted(made, key=lambda packet: packet[0])


def write(path: Path, packets: list[Packet]) -> Path:
    """A pcap file of Ethernet packets."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for at, data in packets:
            seconds, micro = divmod(round(at * 1e6), 1_000_000)
            file.write(struct.pack("<IIII", seconds, micro, len(data), len(data)) + data)
    return path
