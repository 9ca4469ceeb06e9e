"""HDR002: fragments as no network makes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.builders import drafts, family, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import timed
from tests.rules.scans.wire import Tape, fragment6, read, same_frames
from tshark_report.rules.scans.odd_fragments import datagrams, fragments, odd_fragments


def piece(ident: int, start: int, length: int, *, more: bool, **other: object) -> dict:
    row = {
        "src": "10.0.0.66",
        "dst": "10.0.0.80",
        "transport": None,
        "src_port": None,
        "dst_port": None,
        "stream": None,
        "flags": None,
    }
    bits = {"ip_id": ident, "fragment_offset": start // 8, "ip_length": 20 + length, "ip_flags": 1 if more else 0}
    return row | bits | {"more_fragments": more} | other


def whole(ident: int, size: int, *lengths: int, **other: object) -> list[dict]:
    """A packet of `size` bytes, cut after each of `lengths`."""
    made, at = [], 0
    for length in lengths:
        made.append(piece(ident, at, length, more=at + length < size, **other))
        at += length
    return made


def found(*rows: dict) -> list:
    return drafts(odd_fragments, tables(packets=packets(*timed(list(rows)))))


def test_tiny_ones_from_two_on_and_medium_from_eight_on() -> None:
    def tiny(count: int, length: int = 64) -> list[dict]:
        return [row for n in range(count) for row in whole(n, length + 8, length, 8)]

    assert not found(*tiny(1))
    assert found(*tiny(2))[0].priority == "low"
    assert found(*tiny(7))[0].priority == "low"
    made = found(*tiny(8))
    assert [(d.subject, d.priority) for d in made] == [("10.0.0.66 -> 10.0.0.80", "medium")]
    assert "8 are tiny fragments" in made[0].summary
    assert len(made[0].frames) == 16
    assert not found(*tiny(20, 72))


def test_both_ways_of_printing_the_flags() -> None:
    as_byte = [
        r | {"ip_flags": 0x20 if r["ip_flags"] else 0, "more_fragments": False}
        for n in range(8)
        for r in whole(n, 16, 8, 8)
    ]
    assert "8 are tiny" in found(*as_byte)[0].summary


def test_whole_packets_are_quiet() -> None:
    assert not found({"src": "10.0.0.66", "dst": "10.0.0.80"})


def test_overlap() -> None:
    rows = [piece(1, 0, 800, more=True), piece(1, 792, 800, more=False)]
    assert found(*rows)[0].priority == "medium"
    assert "overlap" in found(*rows)[0].summary
    assert not found(piece(1, 0, 800, more=True), piece(1, 800, 800, more=False))


def test_copies_of_a_fragment_do_not_overlap() -> None:
    rows = whole(1, 2000, 1480, 520)
    assert not found(*rows, *rows)


def test_the_same_ip_id_again_is_another_packet() -> None:
    rows = whole(1, 2000, 1480, 520) + whole(1, 3000, 1400, 1400, 200)
    assert not found(*rows)
    assert datagrams(fragments(packets(*timed(rows))))["pieces"].to_list() == [2, 3]


def test_longer_than_a_packet_can_be() -> None:
    rows = [piece(1, 0, 1480, more=True), piece(1, 65528, 8, more=False)]
    assert "longer than the largest" in found(*rows)[0].summary
    assert not found(piece(1, 0, 1480, more=True), piece(1, 65528, 7, more=False))


def test_incomplete_from_five_on() -> None:
    def half(count: int) -> list[dict]:
        return [piece(n, 0, 1480, more=True) for n in range(count)]

    assert found(*half(5))[0].priority == "low"
    assert "5 packets of 5 cannot be put together" in found(*half(5))[0].summary
    assert not found(*half(4))
    complete = [row for n in range(100, 105) for row in whole(n, 2000, 1480, 520)]
    assert not found(*half(5), *complete)


def test_ipv6() -> None:
    six = {"src": "2001:db8::1", "dst": "2001:db8::2", "ip_id": None, "ip_flags": None}
    rows = [row | six | {"ip_length": 8 + 16} for n in range(8) for row in whole(n, 32, 16, 16)]
    made = found(*rows)
    assert "ipv6.fraghdr" in made[0].display_filter
    assert "mostly 16" in made[0].summary


def test_ipv6_overlap_needs_the_same_identification() -> None:
    six = {"src": "2001:db8::1", "dst": "2001:db8::2", "ip_id": None, "ip_flags": None}
    rows = [piece(0, 0, 800, more=True) | six, piece(0, 792, 800, more=False) | six]
    rows = [r | {"ip_length": 8 + 800, "frame": n + 1} for n, r in enumerate(timed(rows))]

    def with_idents(*idents: int) -> list:
        named = family("fragments6", *({"frame": n + 1, "ident": i} for n, i in enumerate(idents)))
        return drafts(odd_fragments, tables(packets=packets(*rows), fragments6=named))

    assert "in 1 packet fragments overlap" in with_idents(7, 7)[0].summary
    assert not with_idents(7, 8)


@pytest.mark.tshark
def test_ipv6_on_the_wire(tmp_path: Path) -> None:
    tape, ends = Tape(), ("2001:db8::66", "2001:db8::80")
    udp_head = struct.pack("!HHHH", 4000, 5000, 1400, 0)
    for ident in range(3):
        tape.add(fragment6(*ends, ident, 0, udp_head + b"a" * 792, more=True))
        tape.add(fragment6(*ends, ident, 792, b"b" * 600, more=False))
    for ident in range(50, 58):
        # As a network cuts a packet, the pieces of two packets in turn.
        tape.add(fragment6("2001:db8::5", ends[1], ident, 0, udp_head + b"a" * 1224, more=True))
    for ident in range(50, 58):
        tape.add(fragment6("2001:db8::5", ends[1], ident, 1232, b"b" * 168, more=False))
    path = tape.save(tmp_path / "six.pcap")
    made = drafts(odd_fragments, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [(d.subject, d.priority, len(d.frames)) for d in made] == [("2001:db8::66 -> 2001:db8::80", "medium", 6)]
    assert "in 3 packets fragments overlap" in made[0].summary


def test_wire(wire: Wire) -> None:
    assert set(wire.found(odd_fragments)) == {"10.9.0.81 -> 10.9.0.10", "10.9.0.82 -> 10.9.0.10"}


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("odd_headers")
    made = drafts(odd_fragments, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [d.subject for d in made] == ["10.20.0.76 -> 10.20.0.10"]
    assert "in 4 packets fragments overlap" in made[0].summary


@pytest.mark.shared
@pytest.mark.tshark
def test_published_capture(tmp_path) -> None:
    path = case_capture("ndpi_frag_garbage")
    made = drafts(odd_fragments, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [(d.subject, len(d.frames)) for d in made] == [("10.0.0.2 -> 10.128.0.2", 1252)]
