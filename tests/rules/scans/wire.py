"""Packets written byte by byte, for what no ordinary program sends."""

from __future__ import annotations

import ipaddress
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from tests.builders import START
from tshark_report.capture import tshark as find_tshark
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import load
from tshark_report.rules.base import Context, Draft, Rule
from tshark_report.settings import Settings
from tshark_report.tables.tables import Tables

ROUTER = "02:00:00:00:00:01"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac_of(address: str) -> str:
    """A MAC address made of an IPv4 address."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _sum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data + b"\0" * (len(data) % 2))) if len(data) % 2 == 0 else 0
    if len(data) % 2:
        data += b"\0"
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ether(source: str, target: str, kind: int, body: bytes) -> bytes:
    """An Ethernet frame."""
    return _mac(target) + _mac(source) + struct.pack("!H", kind) + body


def ip(
    src: str,
    dst: str,
    protocol: int,
    body: bytes,
    *,
    ttl: int = 64,
    ident: int = 0,
    flags: int = 0,
    offset: int = 0,
    source_mac: str = "",
    target_mac: str = ROUTER,
) -> bytes:
    """An IPv4 packet in its frame; `flags` are the three high bits (1: more fragments), `offset` counts 8 bytes."""
    pair = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ident, flags << 13 | offset, ttl, protocol, 0) + pair
    head = head[:10] + struct.pack("!H", _sum(head)) + head[12:]
    return ether(source_mac or mac_of(src), target_mac, 0x0800, head + body)


def tcp(
    src: str,
    dst: str,
    sport: int,
    dport: int,
    flags: int = 2,
    *,
    seq: int = 1,
    ack: int = 0,
    body: bytes = b"",
    window: int = 1024,
    **more: object,
) -> bytes:
    """A TCP packet; `flags` are all twelve bits."""
    head = struct.pack("!HHIIHHHH", sport, dport, seq, ack, 5 << 12 | flags, window, 0, 0)
    return ip(src, dst, 6, head + body, **more)  # type: ignore[arg-type]


def udp(src: str, dst: str, sport: int, dport: int, body: bytes = b"", **more: object) -> bytes:
    """A UDP packet."""
    return ip(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(body), 0) + body, **more)  # type: ignore[arg-type]


def icmp(src: str, dst: str, kind: int, code: int = 0, body: bytes = b"\0\1\0\1", **more: object) -> bytes:
    """An ICMP packet; `body` stands behind type, code and checksum."""
    whole = struct.pack("!BBH", kind, code, 0) + body
    return ip(src, dst, 1, struct.pack("!BBH", kind, code, _sum(whole)) + body, **more)  # type: ignore[arg-type]


def unreachable(router: str, quoted: bytes, kind: int = 3, code: int = 3) -> bytes:
    """The ICMP error that quotes a frame's IP packet, sent to its sender."""
    inner = quoted[14 : 14 + 28]
    return icmp(router, str(ipaddress.IPv4Address(inner[12:16])), kind, code, b"\0\0\0\0" + inner)


def arp(opcode: int, mac: str, sender: str, target: str, *, to: str = BROADCAST, target_mac: str = "") -> bytes:
    """An ARP packet."""
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, opcode) + _mac(mac) + ipaddress.IPv4Address(sender).packed
    body += _mac(target_mac or "00:00:00:00:00:00") + ipaddress.IPv4Address(target).packed
    return ether(mac, to, 0x0806, body)


@dataclass
class Tape:
    """Frames with their times."""

    frames: list[tuple[float, bytes]] = field(default_factory=list)
    now: float = START

    def add(self, *frames: bytes, step: float = 0.001) -> None:
        """Record frames one after the other."""
        for frame in frames:
            self.frames.append((self.now, frame))
            self.now += step

    def session(
        self,
        client: str,
        server: str,
        sport: int,
        dport: int,
        *,
        isn: int = 0,
        asked: bytes = b"hello",
        answer: bytes = b"welcome",
        ttl: int = 64,
    ) -> None:
        """A connection as it should be: handshake, question, answer, end."""
        isn = isn or crc32(f"{client}{sport}".encode())
        theirs = crc32(f"{server}{client}{sport}".encode())
        up = {"ttl": ttl, "window": 64240}
        down = {"ttl": 57, "window": 65160}
        a, b = (client, server, sport, dport), (server, client, dport, sport)
        mine, his = isn + 1 + len(asked), theirs + 1 + len(answer)
        self.add(
            tcp(*a, 0x02, seq=isn, **up),
            tcp(*b, 0x12, seq=theirs, ack=isn + 1, **down),
            tcp(*a, 0x10, seq=isn + 1, ack=theirs + 1, **up),
            tcp(*a, 0x18, seq=isn + 1, ack=theirs + 1, body=asked, **up),
            tcp(*b, 0x18, seq=theirs + 1, ack=mine, body=answer, **down),
            tcp(*a, 0x11, seq=mine, ack=his, **up),
            tcp(*b, 0x11, seq=his, ack=mine + 1, **down),
            tcp(*a, 0x10, seq=mine + 1, ack=his + 1, **up),
        )

    def save(self, path: Path, link_type: int = 1) -> Path:
        """Write the frames as a pcap file."""
        with path.open("wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type))
            for time, frame in self.frames:
                micro = round(time * 1e6)
                out.write(struct.pack("<IIII", micro // 10**6, micro % 10**6, len(frame), len(frame)) + frame)
        return path


def read(path: Path, scratch: Path) -> Tables:
    """The tables of a capture, as the product reads it."""
    scratch.mkdir(exist_ok=True)
    env = find_tshark.environment(scratch)
    return load(path, find_tshark.find(None, env), scratch, env, Options()).tables


def drafts_of(rules: Iterable[Rule], made: Tables) -> dict[str, list[Draft]]:
    """What each rule finds, by rule name."""
    settings = Settings()
    return {r.name: list(r.function(made, Context(settings, r.limits(settings), made))) for r in rules}


def selected(path: Path, display_filter: str) -> list[int]:
    """Frames that tshark selects."""
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-Y", display_filter, "-T", "fields", "-e", "frame.number"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


def same_frames(path: Path, drafts: Sequence[Draft]) -> None:
    """The printed filter of each draft selects exactly its frames."""
    for draft in drafts:
        assert selected(path, draft.display_filter) == sorted(draft.frames), draft.display_filter
        assert draft.frames, draft.subject


def ip6(src: str, dst: str, header: int, body: bytes, *, hops: int = 64, target_mac: str = ROUTER) -> bytes:
    """An IPv6 packet in its frame; `header` is the number of what follows."""
    pair = ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed
    head = struct.pack("!IHBB", 6 << 28, len(body), header, hops)
    return ether("02:00:00:00:66:66", target_mac, 0x86DD, head + pair + body)


def icmp6(src: str, dst: str, kind: int, body: bytes, *, hops: int = 255) -> bytes:
    """An ICMPv6 packet; `body` stands behind type, code and checksum."""
    made = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed
    total = _sum(pseudo + struct.pack("!II", len(made), 58) + made)
    return ip6(src, dst, 58, made[:2] + struct.pack("!H", total) + made[4:], hops=hops)


def solicitation(src: str, target: str) -> bytes:
    """A neighbour solicitation for `target`."""
    wanted = ipaddress.IPv6Address(target).packed
    group = str(ipaddress.IPv6Address(ipaddress.IPv6Address("ff02::1:ff00:0").packed[:13] + wanted[13:]))
    return icmp6(src, group, 135, b"\0" * 4 + wanted)


def advertisement(target: str, dst: str) -> bytes:
    """The answer to a neighbour solicitation."""
    return icmp6(target, dst, 136, b"\x60\0\0\0" + ipaddress.IPv6Address(target).packed)


def fragment6(src: str, dst: str, ident: int, start: int, data: bytes, *, more: bool, header: int = 17) -> bytes:
    """An IPv6 fragment; `start` counts bytes."""
    return ip6(src, dst, 44, struct.pack("!BBHI", header, 0, start | more, ident) + data)
