"""LNK007: who says that it is a router."""

from __future__ import annotations

import ipaddress
import struct

from tests.builders import START, drafts, family, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.wire import Tape, ether, read, same_frames
from tshark_report.rules.scans.router_advertisements import router_advertisements


def found(count: int, routers: int, seconds: float = 9.9, kind: int = 134, macs: tuple[str, ...] = ()) -> list:
    rows = [
        {"src": f"fe80::{n % routers + 1:x}", "dst": "ff02::1", "type": kind, "time": START + n * seconds / count}
        for n in range(count)
    ]
    wide = [{"frame": n + 1, "src": row["src"], "dst": row["dst"]} for n, row in enumerate(rows)]
    for n, row in enumerate(wide if macs else []):
        row["eth_src"] = macs[n % routers % len(macs)]
    return drafts(router_advertisements, tables(icmp=family("icmp", *rows), packets=packets(*wide)))


def test_five_routers_are_low_and_a_hundred_packets_medium() -> None:
    made = found(5, 5)
    assert [(d.subject, d.priority) for d in made] == [("router advertisements", "low")]
    assert not found(4, 4)
    assert found(100, 1)[0].priority == "medium"
    assert not found(99, 1)
    assert not found(110, 1, seconds=12)


def test_two_routers_of_different_makers_are_low() -> None:
    made = found(6, 2, macs=("3c:52:82:00:00:01", "de:ad:be:00:00:66"))
    assert [(d.priority, d.title) for d in made] == [
        ("low", "Several routers of different makers advertised themselves on one IPv6 link")
    ]
    assert "fe80::1 and 1 other address said" in made[0].sentence
    # Redundant routers are of one maker, share a virtual address, or one router has several addresses.
    assert not found(6, 2, macs=("3c:52:82:00:00:01", "3c:52:82:00:00:02"))
    assert not found(6, 2, macs=("3c:52:82:00:00:01", "00:00:5e:00:02:07"))
    assert not found(6, 1, macs=("3c:52:82:00:00:01",))


def test_other_messages_are_quiet() -> None:
    assert not found(500, 50, kind=135)


def advertisement(n: int) -> bytes:
    src, dst = ipaddress.IPv6Address(f"fe80::{n + 1:x}").packed, ipaddress.IPv6Address("ff02::1").packed
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + src + dst
    return ether(f"02:00:00:00:{n // 256:02x}:{n % 256:02x}", "33:33:00:00:00:01", 0x86DD, head + body)


def test_wire(wire: Wire, tmp_path) -> None:
    assert not wire.found(router_advertisements)
    tape = Tape()
    tape.session("10.9.0.21", "203.0.113.4", 40000, 443)
    for n in range(120):
        tape.add(advertisement(n))
    path = tape.save(tmp_path / "ra.pcap")
    made = drafts(router_advertisements, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [(d.priority, len(d.frames)) for d in made] == [("medium", 120)]
    assert "120 addresses" in made[0].summary


def late(after: float, mac: str = "de:ad:be:00:00:66", before: int = 2) -> list:
    """One router from the start, another that begins `after` seconds later."""
    rows = [{"src": "fe80::1", "dst": "ff02::1", "type": 134, "time": START + n} for n in range(before)]
    rows.append({"src": "fe80::66", "dst": "ff02::1", "type": 134, "time": START + after})
    wide = [{"frame": n + 1, "src": r["src"], "dst": r["dst"]} for n, r in enumerate(rows)]
    for row in wide:
        row["eth_src"] = mac if row["src"] == "fe80::66" else "3c:52:82:00:00:01"
    return drafts(router_advertisements, tables(icmp=family("icmp", *rows), packets=packets(*wide)))


def test_a_router_of_another_maker_that_comes_later_is_medium() -> None:
    made = late(60)
    assert [(d.priority, d.hosts[0]) for d in made] == [("medium", "fe80::66")]
    assert made[0].title == "A second router of another maker began to advertise itself on an IPv6 link"
    assert "fe80::66 came later" in made[0].summary
    assert late(59.9)[0].priority == "low"
    assert late(60, before=1)[0].priority == "low"
    assert not late(60, mac="3c:52:82:00:00:09")
