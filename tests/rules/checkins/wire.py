"""Contact with a server: as rows of tables, and as a capture written byte by byte."""

from __future__ import annotations

import ipaddress
import struct
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.builders import START, drafts
from tshark_report.capture.load import Loaded
from tshark_report.rules.base import Draft, Rule

CLIENT, INSIDE, OUTSIDE, OTHER, RESOLVER = "10.0.0.5", "10.0.0.80", "203.0.113.9", "198.51.100.7", "10.0.0.53"
Frames = list[tuple[float, bytes]]
Read = Callable[..., Loaded]

# --- rows -------------------------------------------------------------------------------------------------------------


def session(
    at: float,
    stream: int = 0,
    *,
    client: str = CLIENT,
    server: str = OUTSIDE,
    port: int = 443,
    up: Iterable[tuple[float, int]] = ((0.1, 100),),
    down: Iterable[tuple[float, int]] = ((0.2, 200),),
    protocol: str = "TCP",
    answer: str = "open",
) -> list[dict[str, Any]]:
    """Packets of one TCP session; `up` and `down` are (seconds after the start, payload bytes). `answer`: open, "
    "reset, none."""
    there = {"src": client, "src_port": 40000 + stream, "dst": server, "dst_port": port, "stream": stream}
    back = {"src": server, "src_port": port, "dst": client, "dst_port": 40000 + stream, "stream": stream}
    rows: list[dict[str, Any]] = [there | {"time": START + at, "flags": 0x02, "seq": 1000}]
    if answer == "reset":
        return [*rows, back | {"time": START + at + 0.01, "flags": 0x14}]
    if answer == "none":
        return rows
    rows += [
        back | {"time": START + at + 0.01, "flags": 0x12, "seq": 5000},
        there | {"time": START + at + 0.02, "flags": 0x10},
    ]
    for base, sequence, sent in ((there, 1001, up), (back, 5001, down)):
        for offset, size in sent:
            rows.append(
                base
                | {
                    "time": START + at + offset,
                    "flags": 0x18,
                    "seq": sequence,
                    "payload": size,
                    "length": 54 + size,
                    "protocol": protocol,
                }
            )
            sequence += size
    return sorted(rows, key=lambda row: row["time"])


def in_order(*sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of several sessions by time."""
    return sorted((row for rows in sessions for row in rows), key=lambda row: row["time"])


def every(gap: float, times: int, first: float = 0.0) -> list[float]:
    """Moments at a fixed interval."""
    return [first + gap * n for n in range(times)]


UNEVEN = (
    0.0,
    3.0,
    4.2,
    30.0,
    31.5,
    33.0,
    90.0,
    96.0,
    140.0,
    141.5,
    200.0,
    320.0,
    323.0,
    330.0,
    500.0,
    510.0,
    700.0,
    702.0,
)
"""Moments as a person makes them."""

# --- bytes ------------------------------------------------------------------------------------------------------------


def _ip(src: str, dst: str, protocol: int, body: bytes) -> bytes:
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000, 64, protocol, 0) + ends + body


def udp(at: float, src: str, dst: str, src_port: int, dst_port: int, body: bytes) -> tuple[float, bytes]:
    """A UDP datagram."""
    return at, _ip(src, dst, 17, struct.pack(">HHHH", src_port, dst_port, 8 + len(body), 0) + body)


def tcp(
    at: float,
    messages: Sequence[tuple[float, str, bytes]] = (),
    *,
    client: str = CLIENT,
    server: str = OUTSIDE,
    port: int = 443,
    client_port: int = 40000,
    answer: str = "open",
) -> Frames:
    """A TCP session with its handshake; messages are (seconds after the start, `>` or `<`, bytes)."""

    def segment(moment: float, up: bool, flags: int, seq: int, ack: int, body: bytes = b"") -> tuple[float, bytes]:
        ports = (client_port, port) if up else (port, client_port)
        ends = (client, server) if up else (server, client)
        return at + moment, _ip(*ends, 6, struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 64000, 0, 0) + body)

    made = [segment(0, True, 0x02, 1000, 0)]
    if answer == "reset":
        return [*made, segment(0.01, False, 0x14, 0, 1001)]
    if answer == "none":
        return made
    made += [segment(0.01, False, 0x12, 5000, 1001), segment(0.02, True, 0x10, 1001, 5001)]
    sent, got = 1001, 5001
    for moment, way, body in messages:
        for start in range(0, len(body), 1400):
            piece = body[start : start + 1400]
            if way == ">":
                made.append(segment(moment + start / 1e7, True, 0x18, sent, got, piece))
                sent += len(piece)
            else:
                made.append(segment(moment + start / 1e7, False, 0x18, got, sent, piece))
                got += len(piece)
    return made


def _name(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def dns(at: float, name: str, address: str = "", *, ttl: int = 60, client: str = CLIENT, ident: int = 7) -> Frames:
    """A question for an A record and its answer; NXDOMAIN without an address."""
    query = _name(name) + struct.pack(">HH", 1, 1)
    asked = struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + query
    told = struct.pack(">HHHHHH", ident, 0x8180 if address else 0x8183, 1, 1 if address else 0, 0, 0) + query
    if address:
        told += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, ttl, 4) + ipaddress.IPv4Address(address).packed
    return [udp(at, client, RESOLVER, 41000, 53, asked), udp(at + 0.01, RESOLVER, client, 53, 41000, told)]


def nbns_registration(at: float, name: str, client: str = CLIENT) -> tuple[float, bytes]:
    """A NetBIOS name that a host registers for itself."""
    padded = name.upper().ljust(15).encode() + b"\0"
    coded = b"".join(bytes([0x41 + (byte >> 4), 0x41 + (byte & 15)]) for byte in padded)
    body = struct.pack(">HHHHHH", 9, 0x2910, 1, 0, 0, 1) + b"\x20" + coded + b"\0" + struct.pack(">HH", 0x20, 1)
    body += b"\xc0\x0c" + struct.pack(">HHIH", 0x20, 1, 300000, 6) + b"\0\0" + ipaddress.IPv4Address(client).packed
    return udp(at, client, "10.0.0.255", 137, 137, body)


def hello(server_name: str = "") -> bytes:
    """A TLS 1.2 client hello, with or without a server name."""
    extension = b""
    if server_name:
        entry = b"\0" + struct.pack(">H", len(server_name)) + server_name.encode()
        extension = struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    body = (
        b"\x03\x03"
        + b"R" * 32
        + b"\0"
        + struct.pack(">HH", 2, 0xC02F)
        + b"\x01\0"
        + struct.pack(">H", len(extension))
        + extension
    )
    return _record(22, _handshake(1, body))


def _record(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + b"\x03\x03" + struct.pack(">H", len(body)) + body


def _handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def application_data(size: int) -> bytes:
    """A TLS record of encrypted data."""
    return _record(23, bytes(size))


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + struct.pack(">H", len(body))
    return bytes([tag]) + size + body


def certificate(
    subject: str,
    issuer: str = "",
    begin: str = "20230101000000Z",
    end: str = "99991231235959Z",
    organisation: str = "",
) -> bytes:
    """Server hello and certificate; `subject` and `issuer` are common names, self-signed without an issuer."""

    def name(text: str) -> bytes:
        parts = [(b"\x06\x03\x55\x04\x0a", organisation)] if organisation else []
        parts.append((b"\x06\x03\x55\x04\x03", text))
        return _der(0x30, *(_der(0x31, _der(0x30, kind, _der(0x0C, value.encode()))) for kind, value in parts))

    algorithm = _der(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", b"\x05\0")
    validity = _der(0x30, _der(0x18, begin.encode()), _der(0x18, end.encode()))
    key = _der(0x30, _der(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", b"\x05\0"), _der(0x03, b"\0" * 140))
    body = _der(
        0x30,
        b"\xa0\x03\x02\x01\x02",
        b"\x02\x04\x11\x22\x33\x44",
        algorithm,
        name(issuer or subject),
        validity,
        name(subject),
        key,
    )
    whole = _der(0x30, body, algorithm, _der(0x03, b"\0" * 129))
    listed = len(whole).to_bytes(3, "big") + whole
    greeting = _handshake(2, b"\x03\x03" + b"S" * 32 + b"\0\xc0\x2f\0")
    return _record(22, greeting + _handshake(11, len(listed).to_bytes(3, "big") + listed) + _handshake(14, b""))


def request(method: str, uri: str, host: str, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP request."""
    lines = [f"{method} {uri} HTTP/1.1", f"Host: {host}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"


def write(path: Path, *groups: Sequence[tuple[float, bytes]]) -> Path:
    """A pcap file of all frames by time."""
    made = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for offset, packet in sorted((frame for group in groups for frame in group), key=lambda frame: frame[0]):
        frame = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + packet
        when = START + offset
        made.append(
            struct.pack("<IIII", int(when), int(round((when % 1) * 1e6)) % 1_000_000, len(frame), len(frame)) + frame
        )
    path.write_bytes(b"".join(made))
    return path


def selected(path: Path, display_filter: str) -> list[int]:
    """Frame numbers that tshark selects."""
    command = ["tshark", "-n", "-r", str(path), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return [int(line) for line in done.stdout.split()]


def exact(rule: Rule, read: Read, path: Path) -> list[Draft]:
    """What the rule finds in a capture, after tshark confirmed that every filter selects exactly its frames."""
    found = drafts(rule, read(path).tables)
    for draft in found:
        assert sorted(set(draft.frames)) == selected(path, draft.display_filter), draft.display_filter
        assert draft.frames
    return found
