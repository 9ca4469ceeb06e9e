"""LNK002: one address, several MAC addresses."""

from __future__ import annotations

from tests.builders import START, drafts, family, packets, tables
from tests.rules.scans.conftest import Wire
from tshark_report.rules.scans._claims import alternations, is_virtual
from tshark_report.rules.scans.address_conflict import address_conflict

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


def said(*macs: str, address: str = "10.0.0.9") -> list[dict]:
    return [
        {"opcode": 1, "src_mac": mac, "sender": address, "target": "10.0.0.1", "time": START + n}
        for n, mac in enumerate(macs)
    ]


def test_back_and_forth_is_low_and_once_is_info() -> None:
    found = drafts(address_conflict, tables(arp=family("arp", *said(A, B, A))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.9", "low")]
    assert f"{A} and {B}" in found[0].summary
    found = drafts(address_conflict, tables(arp=family("arp", *said(A, A, B, B))))
    assert [(d.subject, d.priority) for d in found] == [("moved addresses", "info")]


def test_medium_where_machines_of_two_makers_fight() -> None:
    other = "00:1b:a9:00:00:0b"
    found = drafts(address_conflict, tables(arp=family("arp", *said(*[A, other] * 3, A))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.9", "medium")]
    assert drafts(address_conflict, tables(arp=family("arp", *said(*[A, other] * 3))))[0].priority == "low"
    # Two cards of one machine are mostly of one maker.
    assert drafts(address_conflict, tables(arp=family("arp", *said(*[A, B] * 9))))[0].priority == "low"


def test_redundancy_explains_it() -> None:
    beside = packets({"protocol": "VRRP", "src": "10.0.0.2", "dst": "224.0.0.18"})
    found = drafts(address_conflict, tables(arp=family("arp", *said(A, B, A, B)), packets=beside))
    assert found[0].priority == "info"
    assert "VRRP" in found[0].summary


def test_virtual_macs_and_single_owners_are_quiet() -> None:
    assert not drafts(address_conflict, tables(arp=family("arp", *said(A, A, A))))
    assert not drafts(address_conflict, tables(arp=family("arp", *said(A, "00:00:5e:00:01:07", A))))
    assert is_virtual("00:07:B4:00:01:01")
    assert not is_virtual("00:00:5e:00:53:07")


def test_address_probes_are_quiet() -> None:
    assert not drafts(address_conflict, tables(arp=family("arp", *said(A, B, A, B, address="0.0.0.0"))))


def test_alternations() -> None:
    assert alternations([]) == 0
    assert alternations([(0, A), (1, A), (2, B), (3, A)]) == 2


def test_wire(wire: Wire) -> None:
    assert list(wire.found(address_conflict)) == ["10.9.0.93", "moved addresses"]
