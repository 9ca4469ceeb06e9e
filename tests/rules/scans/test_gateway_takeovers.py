"""LNK011: a shared gateway changes hands, or another router joins; quiet on a settled group."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tests.builders import START, drafts, packets, tables
from tests.rules.scans.wire import Tape, ether, read, same_frames
from tshark_report.rules.scans.gateway_takeovers import gateway_takeovers

SHARED, ONE, TWO, NEW = "00:00:0c:07:ac:01", "10.0.0.2", "10.0.0.3", "10.0.0.99"


def heard(*said: tuple[float, str, str], protocol: str = "HSRP") -> list:
    rows: list[dict[str, Any]] = [
        {"time": START + at, "src": src, "eth_src": mac, "dst": "224.0.0.2", "protocol": protocol, "transport": "udp"}
        for at, src, mac in sorted(said)
    ]
    return drafts(gateway_takeovers, tables(packets=packets(*rows)))


def settled(number: int = 40) -> list[tuple[float, str, str]]:
    one = [(n * 3.0, ONE, SHARED) for n in range(number)]
    return [*one, *((n * 3.0 + 0.5, TWO, "3c:52:82:00:00:03") for n in range(number))]


def test_a_change_of_hands_is_low_and_four_are_medium() -> None:
    found = heard(*settled(), (121.0, TWO, SHARED), (124.0, TWO, SHARED))
    assert [(d.subject, d.priority) for d in found] == [("HSRP gateway", "low")]
    assert f"the shared MAC address {SHARED} changed hands 1 time ({ONE}, then {TWO})" in found[0].summary
    assert found[0].time == START + 121.0
    turns = [(121.0 + n, (TWO, ONE)[n % 2], SHARED) for n in range(4)]
    assert heard(*settled(), *turns[:3])[0].priority == "low"
    assert heard(*settled(), *turns)[0].priority == "medium"


def test_quiet_on_a_settled_group() -> None:
    assert not heard(*settled())
    assert not heard(*settled(), (121.0, TWO, SHARED), protocol="UDP")


def test_an_address_that_joins_late_is_medium() -> None:
    found = heard(*settled(), (60.0, NEW, "3c:52:82:00:00:99"))
    assert [(d.priority, d.hosts[0]) for d in found] == [("medium", NEW)]
    assert f"{NEW} began to speak when the group had been heard for a while" in found[0].summary
    assert not heard(*settled(), (59.9, NEW, "3c:52:82:00:00:99"))
    sparse = [(n * 7.0, ONE, SHARED) for n in range(10)]
    assert heard(*sparse, (70.0, NEW, "3c:52:82:00:00:99"))
    assert not heard(*sparse[:9], (70.0, NEW, "3c:52:82:00:00:99"))


def vrrp(src: int, ident: int) -> bytes:
    """A VRRP 2 advertisement (RFC 3768) of group 10."""
    body = struct.pack("!BBBBBBH", 0x21, 10, 100 + src, 1, 0, 1, 0) + bytes([10, 0, 0, 1]) + bytes(8)
    ends = bytes([10, 0, 0, src, 224, 0, 0, 18])
    return struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(body), ident, 0, 255, 112, 0) + ends + body


def test_wire(tmp_path: Path) -> None:
    tape = Tape()
    tape.session("10.9.0.21", "203.0.113.4", 40000, 443)
    for n in range(100):
        tape.add(ether("00:00:5e:00:01:0a", "01:00:5e:00:00:12", 0x0800, vrrp(2 if n < 80 else 3, n + 1)), step=1.0)
    path = tape.save(tmp_path / "vrrp.pcap")
    made = drafts(gateway_takeovers, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [(d.subject, d.priority, len(d.frames)) for d in made] == [("VRRP gateway", "medium", 100)]
    assert "changed hands 1 time (10.0.0.2, then 10.0.0.3)" in made[0].summary
