"""LNK010: one MAC that claims IPv6 addresses of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import START, drafts, family, packets, tables
from tests.rules.scans.wire import Tape, advertisement, read, same_frames, solicitation
from tshark_report.rules.scans.neighbour_spoofing import neighbour_spoofing
from tshark_report.tables.tables import Tables

HOST, OTHER, ALL = "2001:db8::51", "2001:db8::52", "ff02::1"
OWNER, NEXT, RIVAL = "02:00:00:00:00:51", "02:00:00:00:00:52", "de:ad:be:ef:00:66"

Said = tuple[float, int, str, str]


def made(*said: Said, beside: str = "") -> Tables:
    """Each is (seconds, type, address, MAC); a solicitation asks for HOST."""
    rows = [
        {
            "frame": n + 1,
            "time": START + at,
            "type": kind,
            "src": src,
            "dst": ALL,
            "target": HOST if kind == 135 else None,
        }
        for n, (at, kind, src, _) in enumerate(said)
    ]
    seen = [
        {"frame": n + 1, "time": START + at, "src": src, "dst": ALL, "eth_src": mac, "protocol": beside or "ICMPv6"}
        for n, (at, _, src, mac) in enumerate(said)
    ]
    return tables(icmp=family("icmp", *rows), packets=packets(*seen))


def owner(at: float, src: str = HOST, mac: str = OWNER) -> Said:
    return (at, 135, src, mac)


def pushed(number: int, src: str = HOST, mac: str = RIVAL) -> list[Said]:
    return [(10.0 + n, 136, src, mac) for n in range(number)]


def test_three_unasked_advertisements_and_quiet_at_two() -> None:
    found = drafts(neighbour_spoofing, made(owner(0), *pushed(3), owner(30)))
    assert [(d.subject, d.priority) for d in found] == [(RIVAL, "medium")]
    assert f"{HOST} is also used by {OWNER}" in found[0].summary
    assert not drafts(neighbour_spoofing, made(owner(0), *pushed(2), owner(30)))


def test_two_addresses_are_high() -> None:
    said = [owner(0), owner(1, OTHER, NEXT), *pushed(3), *pushed(1, OTHER), owner(30), owner(31, OTHER, NEXT)]
    assert drafts(neighbour_spoofing, made(*said))[0].priority == "high"


def test_an_address_that_moved_is_quiet() -> None:
    assert not drafts(neighbour_spoofing, made(owner(0), *pushed(9)))


def test_answers_to_a_question_are_asked_for() -> None:
    asked = [
        owner(0),
        *[x for n in range(9) for x in ((10.0 * n + 1, 135, OTHER, NEXT), (10.0 * n + 2, 136, HOST, RIVAL))],
    ]
    assert not drafts(neighbour_spoofing, made(*asked, owner(200)))


def test_one_question_asks_for_one_answer() -> None:
    asked = (9.5, 135, OTHER, NEXT)
    assert drafts(neighbour_spoofing, made(owner(0), asked, *pushed(4), owner(30)))
    assert not drafts(neighbour_spoofing, made(owner(0), asked, *pushed(3), owner(30)))


def test_redundancy_and_shared_macs() -> None:
    assert drafts(neighbour_spoofing, made(owner(0), *pushed(3), owner(30), beside="VRRP"))[0].priority == "info"
    assert not drafts(neighbour_spoofing, made(owner(0), *pushed(9, mac="00:00:5e:00:02:07"), owner(30)))


def test_own_addresses_are_quiet() -> None:
    assert not drafts(neighbour_spoofing, made(owner(0), *pushed(9, mac=OWNER), owner(30)))


@pytest.mark.tshark
def test_on_the_wire(tmp_path: Path) -> None:
    def by(frame: bytes, mac: str) -> bytes:
        return frame[:6] + bytes.fromhex(mac.replace(":", "")) + frame[12:]

    tape = Tape()
    tape.add(by(solicitation(HOST, OTHER), OWNER), by(advertisement(OTHER, HOST), NEXT))
    for _ in range(4):
        tape.add(by(advertisement(HOST, ALL), RIVAL), by(solicitation(HOST, OTHER), OWNER))
    path = tape.save(tmp_path / "nd.pcap")
    found = drafts(neighbour_spoofing, read(path, tmp_path / "scratch"))
    assert [d.subject for d in found] == [RIVAL]
    same_frames(path, found)
