"""Small captures written byte by byte, for names and tunnels that no fixture holds, and rows of the dns table."""

from __future__ import annotations

import ipaddress
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.builders import START
from tshark_report.rules.base import Draft

CLIENT, RESOLVER, OTHER = "10.0.0.5", "10.0.0.53", "198.51.100.53"


def encoded_name(name: str) -> bytes:
    """A name as labels."""
    labels = [part.encode("latin-1") for part in name.split(".") if part]
    return b"".join(bytes([len(part)]) + part for part in labels) + b"\0"


def question(ident: int, name: str, kind: int = 1) -> bytes:
    """A DNS question with recursion desired."""
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + encoded_name(name) + struct.pack(">HH", kind, 1)


def record(name: str, kind: int, ttl: int, data: bytes) -> bytes:
    """A resource record."""
    return encoded_name(name) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def a(name: str, address: str, ttl: int = 60) -> bytes:
    """An A record."""
    return record(name, 1, ttl, ipaddress.IPv4Address(address).packed)


def txt(name: str, text: str, ttl: int = 60) -> bytes:
    """A TXT record."""
    return record(name, 16, ttl, bytes([len(text)]) + text.encode())


def answer(ident: int, name: str, kind: int = 1, records: Sequence[bytes] = (), rcode: int = 0) -> bytes:
    """A DNS answer that repeats its question."""
    head = struct.pack(">HHHHHH", ident, 0x8180 | rcode, 1, len(records), 0, 0)
    return head + encoded_name(name) + struct.pack(">HH", kind, 1) + b"".join(records)


def _checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(src: str, dst: str, protocol: int, payload: bytes, *, ttl: int = 64, ident: int = 1) -> bytes:
    """An IPv4 packet."""
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ident, 0, ttl, protocol, 0)
    head = head[:10] + struct.pack(">H", _checksum(head + ends)) + ends
    return head + payload


def udp(src: str, dst: str, src_port: int, dst_port: int, payload: bytes, *, ttl: int = 64) -> bytes:
    """A UDP datagram in IPv4."""
    return ip(src, dst, 17, struct.pack(">HHHH", src_port, dst_port, 8 + len(payload), 0) + payload, ttl=ttl)


def echo(src: str, dst: str, kind: int, ident: int, sequence: int, payload: bytes) -> bytes:
    """An ICMP echo request (8) or reply (0) in IPv4."""
    body = struct.pack(">BBHHH", kind, 0, 0, ident, sequence) + payload
    body = body[:2] + struct.pack(">H", _checksum(body)) + body[4:]
    return ip(src, dst, 1, body)


def quoted(src: str, dst: str, packet: bytes, code: int = 3) -> bytes:
    """An ICMP destination-unreachable message that quotes `packet`."""
    return ip(src, dst, 1, struct.pack(">BBHI", 3, code, 0, 0) + packet)


def ethernet(packet: bytes, kind: int = 0x0800) -> bytes:
    """An Ethernet frame."""
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + struct.pack(">H", kind) + packet


def write(path: Path, frames: Sequence[tuple[float, bytes]]) -> Path:
    """A pcap file of IPv4 packets with their seconds after START."""
    made = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for offset, packet in frames:
        frame = packet if packet[:1] == b"\x02" else ethernet(packet)
        when = START + offset
        made.append(struct.pack("<IIII", int(when), round((when % 1) * 1e6), len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(made))
    return path


def ask(
    at: float, ident: int, name: str, kind: int = 1, *, client: str = CLIENT, server: str = RESOLVER, port: int = 40000
) -> tuple[float, bytes]:
    """A question on the wire."""
    return at, udp(client, server, port, 53, question(ident, name, kind))


def tell(
    at: float,
    ident: int,
    name: str,
    records: Sequence[bytes] = (),
    kind: int = 1,
    *,
    rcode: int = 0,
    client: str = CLIENT,
    server: str = RESOLVER,
    port: int = 40000,
    ttl: int = 64,
) -> tuple[float, bytes]:
    """An answer on the wire."""
    return at, udp(server, client, 53, port, answer(ident, name, kind, records, rcode), ttl=ttl)


def selected(path: Path, display_filter: str) -> list[int]:
    """Frame numbers that tshark selects."""
    command = ["tshark", "-n", "-r", str(path), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return [int(line) for line in done.stdout.split()]


def exact(path: Path, draft: Draft) -> bool:
    """Does the draft's filter select exactly its frames, and are there any?"""
    frames = sorted({int(f) for f in draft.frames})
    return bool(frames) and selected(path, draft.display_filter) == frames


def q(name: str, kind: int = 1, **columns: Any) -> dict[str, Any]:
    """A question for builders.family("dns", ...)."""
    base = {"src": CLIENT, "dst": RESOLVER, "src_port": 40000, "dst_port": 53, "transport": "udp", "response": False}
    return base | {"name": name, "type": kind, "id": 1, "length": 60 + len(name)} | columns


def r(name: str, kind: int = 1, addresses: Sequence[str] = (), ttl: int | None = 60, **columns: Any) -> dict[str, Any]:
    """An answer for builders.family("dns", ...)."""
    base = {"src": RESOLVER, "dst": CLIENT, "src_port": 53, "dst_port": 40000, "transport": "udp", "response": True}
    listed = {"a": list(addresses), "ttls": [ttl] * len(addresses)} if addresses else {}
    return base | {"name": name, "type": kind, "id": 1, "rcode": 0, "length": 80 + len(name)} | listed | columns
