"""Small captures written byte by byte, for protocols that no fixture holds: TCP conversations, DCE/RPC, Kerberos, LDAP."""

from __future__ import annotations

import ipaddress
import struct
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.builders import START
from tshark_report.rules.base import Draft

CLIENT, SERVER, OUTSIDE = "10.0.0.5", "10.0.0.80", "203.0.113.9"
NDR = "8a885d04-1ceb-11c9-9fe8-08002b104860"
"""The transfer syntax of DCE/RPC 1.1."""

Frame = tuple[float, bytes]


def ip(src: str, dst: str, protocol: int, payload: bytes, *, ttl: int = 64) -> bytes:
    """An IPv4 packet; its check sums are left 0, which tshark does not mind."""
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x4000, ttl, protocol, 0) + ends + payload


def udp(src: str, dst: str, src_port: int, dst_port: int, payload: bytes) -> bytes:
    """A UDP datagram in IPv4."""
    return ip(src, dst, 17, struct.pack(">HHHH", src_port, dst_port, 8 + len(payload), 0) + payload)


def segment(src: str, dst: str, ports: tuple[int, int], seq: int, ack: int, flags: int, payload: bytes = b"") -> bytes:
    """A TCP segment in IPv4."""
    head = struct.pack(">HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 64240, 0, 0)
    return ip(src, dst, 6, head + payload)


def conversation(
    at: float, client: str, server: str, ports: tuple[int, int], said: Sequence[tuple[str, bytes]], *, step: float = 0.01,
    close: bool = True,
) -> list[Frame]:  # fmt: skip
    """A whole TCP session: handshake, what each side (`c` or `s`) said, and its end."""
    isn = (ports[0] * 7919) & 0xFFFFFF
    theirs = isn + 5_000_000
    c, s = isn + 1, theirs + 1
    back = (ports[1], ports[0])
    frames: list[Frame] = [
        (at, segment(client, server, ports, isn, 0, 0x02)),
        (at + 0.0004, segment(server, client, back, theirs, isn + 1, 0x12)),
        (at + 0.0008, segment(client, server, ports, c, s, 0x10)),
    ]
    when = at
    for side, data in said:
        when += step
        for piece in (data[i : i + 1400] for i in range(0, len(data), 1400)):
            if side == "c":
                frames.append((when, segment(client, server, ports, c, s, 0x18, piece)))
                c += len(piece)
            else:
                frames.append((when, segment(server, client, back, s, c, 0x18, piece)))
                s += len(piece)
            when += 0.0001
    if close:
        frames.append((when + 0.001, segment(client, server, ports, c, s, 0x11)))
        frames.append((when + 0.002, segment(server, client, back, s, c + 1, 0x11)))
        frames.append((when + 0.003, segment(client, server, ports, c + 1, s + 1, 0x10)))
    return frames


def write(path: Path, frames: Sequence[Frame]) -> Path:
    """A pcap file of IPv4 packets with their seconds after START, in order of time."""
    made = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for offset, packet in sorted(frames, key=lambda frame: frame[0]):
        frame = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\x00" + packet
        when = START + offset
        made.append(struct.pack("<IIII", int(when), round((when % 1) * 1e6), len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(made))
    return path


def selected(path: Path, display_filter: str) -> list[int]:
    """Frame numbers that tshark selects."""
    command = ["tshark", "-n", "-r", str(path), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return [int(line) for line in done.stdout.split()]


def exact(path: Path, draft: Draft) -> bool:
    """Does the draft's filter select exactly its frames, and are there any?"""
    frames = list(draft.frames)
    return bool(frames) and frames == sorted(set(frames)) and selected(path, draft.display_filter) == frames


def bind(interface: str, version: int = 1) -> bytes:
    """A DCE/RPC bind to one interface."""
    context = struct.pack("<HBB", 0, 1, 0) + uuid.UUID(interface).bytes_le + struct.pack("<HH", version, 0)
    context += uuid.UUID(NDR).bytes_le + struct.pack("<I", 2)
    body = struct.pack("<HHIBBH", 5840, 5840, 0, 1, 0, 0) + context
    return struct.pack("<BBBBIHHI", 5, 0, 11, 3, 0x10, 16 + len(body), 0, 1) + body


def bind_ack() -> bytes:
    """The answer to a bind."""
    body = struct.pack("<HHIH", 5840, 5840, 0x1234, 4) + b"135\0" + b"\0\0" + struct.pack("<BBH", 1, 0, 0)
    body += struct.pack("<HH", 0, 0) + uuid.UUID(NDR).bytes_le + struct.pack("<I", 2)
    return struct.pack("<BBBBIHHI", 5, 0, 12, 3, 0x10, 16 + len(body), 0, 1) + body


def rpc_request(opnum: int, stub: bytes, call: int = 2) -> bytes:
    """A DCE/RPC request."""
    body = struct.pack("<IHH", len(stub), 0, opnum) + stub
    return struct.pack("<BBBBIHHI", 5, 0, 0, 3, 0x10, 16 + len(body), 0, call) + body


def rpc_response(stub: bytes, call: int = 2) -> bytes:
    """A DCE/RPC response."""
    body = struct.pack("<IHBB", len(stub), 0, 0, 0) + stub
    return struct.pack("<BBBBIHHI", 5, 0, 2, 3, 0x10, 16 + len(body), 0, call) + body


def rpc_session(
    at: float,
    client: str,
    server: str,
    ports: tuple[int, int],
    interface: str,
    version: int,
    calls: Sequence[tuple[int, bytes]],
) -> list[Frame]:
    """Bind and calls over TCP."""
    said: list[tuple[str, bytes]] = [("c", bind(interface, version)), ("s", bind_ack())]
    for number, (opnum, stub) in enumerate(calls, 2):
        said += [("c", rpc_request(opnum, stub, number)), ("s", rpc_response(b"\0\0\0\0", number))]
    return conversation(at, client, server, ports, said)


def der(tag: int, content: bytes) -> bytes:
    """An ASN.1 element."""
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([0x82]) + struct.pack(">H", length)
    return bytes([tag]) + size + content


def integer(value: int) -> bytes:
    """An ASN.1 INTEGER."""
    return der(2, value.to_bytes(max(1, (value.bit_length() + 8) // 8), "big"))


def principal(kind: int, *parts: str) -> bytes:
    """A Kerberos PrincipalName."""
    names = b"".join(der(0x1B, p.encode()) for p in parts)
    return der(0x30, der(0xA0, integer(kind)) + der(0xA1, der(0x30, names)))


def as_req(user: str, realm: str, nonce: int, *, etypes: Sequence[int] = (18, 23), proof: bool = False) -> bytes:
    """A Kerberos AS-REQ; with `proof` it holds an encrypted timestamp (pre-authentication)."""
    body = der(0xA0, der(3, b"\0\x40\0\0\0")) + der(0xA1, principal(1, user)) + der(0xA2, der(0x1B, realm.encode()))
    body += (
        der(0xA3, principal(2, "krbtgt", realm)) + der(0xA5, der(0x18, b"20300101000000Z")) + der(0xA7, integer(nonce))
    )
    body += der(0xA8, der(0x30, b"".join(integer(etype) for etype in etypes)))
    data = der(0x30, der(0xA1, integer(2)) + der(0xA2, der(4, encrypted(etypes[0])))) if proof else b""
    kind = der(0xA1, integer(5)) + der(0xA2, integer(10)) + (der(0xA3, der(0x30, data)) if proof else b"")
    return der(0x6A, der(0x30, kind + der(0xA4, der(0x30, body))))


def krb_error(code: int, realm: str) -> bytes:
    """A Kerberos error."""
    body = (
        der(0xA0, integer(5))
        + der(0xA1, integer(30))
        + der(0xA4, der(0x18, b"20231114221320Z"))
        + der(0xA5, integer(1))
    )
    body += der(0xA6, integer(code)) + der(0xA9, der(0x1B, realm.encode())) + der(0xAA, principal(2, "krbtgt", realm))
    return der(0x7E, der(0x30, body))


def encrypted(etype: int) -> bytes:
    """Kerberos EncryptedData."""
    return der(0x30, der(0xA0, integer(etype)) + der(0xA1, integer(2)) + der(0xA2, der(4, b"\x11" * 40)))


def tgs_rep(user: str, realm: str, service: str, ticket: int, session: int) -> bytes:
    """A Kerberos TGS-REP: a ticket for a service under one cipher, the session part under another."""
    inner = (
        der(0xA0, integer(5)) + der(0xA1, der(0x1B, realm.encode())) + der(0xA2, principal(2, service, "host.example"))
    )
    made = der(0x61, der(0x30, inner + der(0xA3, encrypted(ticket))))
    body = (
        der(0xA0, integer(5))
        + der(0xA1, integer(13))
        + der(0xA3, der(0x1B, realm.encode()))
        + der(0xA4, principal(1, user))
    )
    return der(0x6D, der(0x30, body + der(0xA5, made) + der(0xA6, encrypted(session))))


def as_rep(user: str, realm: str, ticket: int, part: int) -> bytes:
    """A Kerberos AS-REP: the ticket under one cipher, what the client reads under another."""
    inner = der(0xA0, integer(5)) + der(0xA1, der(0x1B, realm.encode())) + der(0xA2, principal(2, "krbtgt", realm))
    made = der(0x61, der(0x30, inner + der(0xA3, encrypted(ticket))))
    body = der(0xA0, integer(5)) + der(0xA1, integer(11)) + der(0xA3, der(0x1B, realm.encode()))
    body += der(0xA4, principal(1, user)) + der(0xA5, made) + der(0xA6, encrypted(part))
    return der(0x6B, der(0x30, body))


def ldap_bind(name: str, secret: str, ident: int = 1) -> bytes:
    """An LDAP simple bind."""
    request = integer(3) + der(4, name.encode()) + der(0x80, secret.encode())
    return der(0x30, integer(ident) + der(0x60, request))


def encoded_name(name: str) -> bytes:
    """A DNS name as labels."""
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"


def llmnr(name: str, ident: int, address: str | None = None) -> bytes:
    """An LLMNR question, or the answer that gives an address."""
    flags, answers = (0x0000, 0) if address is None else (0x8000, 1)
    made = struct.pack(">HHHHHH", ident, flags, 1, answers, 0, 0) + encoded_name(name) + struct.pack(">HH", 1, 1)
    if address is not None:
        made += encoded_name(name) + struct.pack(">HHIH", 1, 1, 30, 4) + ipaddress.IPv4Address(address).packed
    return made


def netbios(name: str, ident: int, address: str | None = None) -> bytes:
    """A NetBIOS name question (broadcast), or the answer that gives an address."""
    padded = name.upper().ljust(15).encode() + b"\x20"
    label = b"\x20" + b"".join(bytes([0x41 + (c >> 4), 0x41 + (c & 15)]) for c in padded) + b"\0"
    if address is None:
        return struct.pack(">HHHHHH", ident, 0x0110, 1, 0, 0, 0) + label + struct.pack(">HH", 0x20, 1)
    answer = label + struct.pack(">HHIHH", 0x20, 1, 165, 6, 0) + ipaddress.IPv4Address(address).packed
    return struct.pack(">HHHHHH", ident, 0x8500, 0, 1, 0, 0) + answer


def snmp(community: str, ident: int) -> bytes:
    """An SNMP 2c get-request for sysDescr."""
    oid = der(6, bytes([0x2B, 6, 1, 2, 1, 1, 1, 0]))
    bindings = der(0x30, der(0x30, oid + b"\x05\x00"))
    pdu = der(0xA0, integer(ident) + integer(0) + integer(0) + bindings)
    return der(0x30, integer(1) + der(4, community.encode()) + pdu)


def http_request(method: str, uri: str, host: str = "www.shop.example", headers: str = "", body: str = "") -> bytes:
    """An HTTP request."""
    size = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {uri} HTTP/1.1\r\nHost: {host}\r\n{headers}{size}\r\n{body}".encode()


def http_answer(status: int, body: str = "ok", kind: str = "text/html") -> bytes:
    """An HTTP response."""
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
