"""HDR007: packets from a host to itself."""

from __future__ import annotations

import pytest

from tests.builders import drafts, packets, tables
from tests.rules.scans.conftest import Wire
from tshark_report.rules.scans.land_packets import land_packets


def land(**more: object) -> dict:
    return {"src": "10.0.0.80", "dst": "10.0.0.80", "src_port": 139, "dst_port": 139, "flags": 0x02} | more


def test_one_is_enough() -> None:
    found = drafts(land_packets, tables(packets=packets(land())))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.80 tcp", "medium")]
    assert "139 (netbios-ssn)" in found[0].summary


@pytest.mark.parametrize(
    "more",
    [
        {"dst": "10.0.0.81"},
        {"src_port": 140},
        {"src": "127.0.0.1", "dst": "127.0.0.1"},
        {"src": "::1", "dst": "::1"},
        {"eth_src": "00:00:00:00:00:00"},
        {"eth_src": None},
        {"transport": "icmp"},
    ],
)
def test_look_alikes_are_quiet(more: dict) -> None:
    assert not drafts(land_packets, tables(packets=packets(land(**more))))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(land_packets)) == ["10.9.0.90 tcp"]
