"""TCP conversations told packet by packet: as rows of tables, and as a capture written byte by byte."""

from __future__ import annotations

import ipaddress
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tests.builders import START, family, packets, tables
from tshark_report.rules.base import Draft
from tshark_report.tables.analysis import KINDS
from tshark_report.tables.tables import Tables

CLIENT, SERVER = "10.0.0.5", "203.0.113.9"
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
TEXT = {kind: text for kind, text, _ in KINDS}


@dataclass
class Talk:
    """One TCP stream; times are seconds after START, each method returns itself."""

    stream: int = 0
    client: str = CLIENT
    server: str = SERVER
    port: int = 80
    protocol: str = "TCP"
    ids: bool = True
    rows: list[dict[str, Any]] = field(default_factory=list)
    sent: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    count: dict[bool, int] = field(default_factory=lambda: {True: 100, False: 5000})

    def packet(
        self, at: float, flags: int, *, up: bool, data: bytes = b"", seq: int | None = None, ack: int | None = None,
        window: int = 64240, marks: Sequence[str] = (), ident: int | None = None, ttl: int = 64, protocol: str = "",
    ) -> Talk:  # fmt: skip
        """One packet. `seq` and `ack` are relative to the first sequence numbers (SYN is 0)."""
        self.count[up] += 1
        here, there = (self.client, self.server) if up else (self.server, self.client)
        ports = (40000 + self.stream, self.port) if up else (self.port, 40000 + self.stream)
        at_seq = self.sent[up] if seq is None else seq
        self.rows.append(
            {
                "time": START + at, "src": here, "dst": there, "src_port": ports[0], "dst_port": ports[1], "stream": self.stream,
                "flags": flags, "seq": (1000 if up else 9000) + at_seq,
                "ack": ((9000 if up else 1000) + (self.sent[not up] if ack is None else ack)) if flags & ACK else 0,
                "payload": len(data), "length": 54 + len(data), "window": window, "ttl": ttl,
                "ip_id": (self.count[up] if ident is None else ident) if self.ids else 0,
                "protocol": protocol or (self.protocol if data else "TCP"), "marks": tuple(marks), "data": data,
            }
        )  # fmt: skip
        if seq is None:
            self.sent[up] += len(data) + bool(flags & SYN) + bool(flags & FIN)
        return self

    def syn(self, at: float, *, again: bool = False) -> Talk:
        """The client asks for a connection."""
        if again:
            return self.packet(at, SYN, up=True, seq=0, marks=["retransmission"])
        return self.packet(at, SYN, up=True)

    def handshake(self, at: float = 0.0, rtt: float = 0.02) -> Talk:
        """SYN, SYN/ACK in the middle of `rtt`, ACK."""
        self.syn(at)
        self.packet(at + rtt / 2, SYN | ACK, up=False)
        return self.packet(at + rtt, ACK, up=True)

    def say(self, at: float, size: int | bytes, *, up: bool = False, **more: Any) -> Talk:
        """Data; `size` bytes or the bytes themselves."""
        return self.packet(at, PSH | ACK, up=up, data=size if isinstance(size, bytes) else b"x" * size, **more)

    def answer(self, at: float, *, up: bool = True, **more: Any) -> Talk:
        """A pure acknowledgement of everything so far."""
        return self.packet(at, ACK, up=up, **more)

    def end(self, at: float) -> Talk:
        """FIN from both sides."""
        self.packet(at, FIN | ACK, up=True)
        self.packet(at + 0.01, FIN | ACK, up=False)
        return self.packet(at + 0.02, ACK, up=True)


def ordered(*talks: Talk) -> list[dict[str, Any]]:
    """Rows of several streams by time."""
    return sorted((row for talk in talks for row in talk.rows), key=lambda row: row["time"])


def tabled(*talks: Talk, **families: Any) -> Tables:
    """Tables as a capture of these streams would give."""
    rows = ordered(*talks)
    plain = [{k: v for k, v in row.items() if k not in ("marks", "data")} for row in rows]
    numbered = [row | {"frame": n + 1} for n, row in enumerate(plain)]
    base = ("frame", "time", "src", "dst", "src_port", "dst_port", "stream", "protocol")
    expert = [
        {name: numbered[n][name] for name in base} | {"severity": "Note", "group": "Sequence", "message": TEXT[mark]}
        for n, row in enumerate(rows)
        for mark in row["marks"]
    ]
    return tables(packets=packets(*numbered), expert=family("expert", *expert), **families)


# --- bytes --------------------------------------------------------------------------------------------------------------


def checksum(data: bytes) -> int:
    """The Internet checksum."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(src: str, dst: str, protocol: int, body: bytes, *, ident: int = 1, ttl: int = 64) -> bytes:
    """An IPv4 packet."""
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), ident, 0x4000, ttl, protocol, 0)
    return head[:10] + struct.pack(">H", checksum(head + ends)) + ends + body


def udp(src: str, dst: str, src_port: int, dst_port: int, body: bytes) -> bytes:
    """A UDP datagram in IPv4."""
    return ip(src, dst, 17, struct.pack(">HHHH", src_port, dst_port, 8 + len(body), 0) + body)


def icmp(src: str, dst: str, kind: int, code: int, rest: int | bytes, body: bytes = b"") -> bytes:
    """An ICMP message in IPv4; `rest` is what follows the checksum."""
    middle = struct.pack(">I", rest) if isinstance(rest, int) else rest
    made = struct.pack(">BBH", kind, code, 0) + middle + body
    return ip(src, dst, 1, made[:2] + struct.pack(">H", checksum(made)) + made[4:])


def tcp(row: dict[str, Any]) -> bytes:
    """The packet of a row."""
    head = struct.pack(
        ">HHIIBBHHH", row["src_port"], row["dst_port"], row["seq"], row["ack"], 0x50, row["flags"], min(row["window"], 65535), 0, 0
    )  # fmt: skip
    return ip(row["src"], row["dst"], 6, head + row["data"], ident=row["ip_id"], ttl=row["ttl"])


def ethernet(
    packet: bytes, kind: int = 0x0800, dst: bytes = b"\x02\0\0\0\0\x01", src: bytes = b"\x02\0\0\0\0\x02"
) -> bytes:
    """An Ethernet frame."""
    return dst + src + struct.pack(">H", kind) + packet


def arp_request(sender: str, target: str) -> bytes:
    """Who has `target`?"""
    ends = (ipaddress.IPv4Address(a).packed for a in (sender, target))
    mine, asked = ends
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + b"\x02\0\0\0\0\x02" + mine + b"\0" * 6 + asked
    return ethernet(body, 0x0806, b"\xff" * 6)


def write(path: Path, frames: Iterable[tuple[float, bytes]], *, link: int = 1) -> Path:
    """A pcap file; times are seconds after START."""
    made = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)]
    for offset, frame in sorted(frames, key=lambda f: f[0]):
        when = round((START + offset) * 1e6)
        made.append(struct.pack("<IIII", when // 1_000_000, when % 1_000_000, len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(made))
    return path


def on_the_wire(*talks: Talk) -> list[tuple[float, bytes]]:
    """Frames of these streams for `write`."""
    return [(row["time"] - START, ethernet(tcp(row))) for row in ordered(*talks)]


def selected(path: Path, display_filter: str) -> list[int]:
    """Frame numbers that tshark selects."""
    command = ["tshark", "-n", "-r", str(path), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return [int(line) for line in done.stdout.split()]


def exact(path: Path, found: Sequence[Draft]) -> bool:
    """Does each draft's filter select exactly its frames, and are there any?"""
    return bool(found) and all(
        d.frames and selected(path, d.display_filter) == sorted({int(f) for f in d.frames}) for d in found
    )


def column(draft: Draft, name: str) -> list[Any]:
    """A column of a draft's evidence."""
    place = [c.name for c in draft.evidence.columns].index(name)
    return [row[place] for row in draft.evidence.rows]


__all__ = ["Talk", "pl", "tabled"]
