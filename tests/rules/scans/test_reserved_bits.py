"""HDR008: bits that ordinary systems leave alone."""

from __future__ import annotations

import pytest

from tests.builders import drafts, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import timed
from tshark_report.rules.scans.reserved_bits import reserved_bits


def sent(count: int, **more: object) -> list[dict]:
    return timed([{"src": "10.0.0.66", "dst": "203.0.113.9"} | more for _ in range(count)])


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"flags": 0x410}, "TCP reserved bits"),
        ({"flags": 0x38}, "urgent flag"),
        ({"ip_flags": 4}, "reserved bit of the IP header"),
        ({"ip_flags": 0x80}, "reserved bit of the IP header"),
    ],
)
def test_fires_at_three_and_is_quiet_at_two(more: dict, what: str) -> None:
    found = drafts(reserved_bits, tables(packets=packets(*sent(3, **more))))
    assert [d.priority for d in found] == ["low"]
    assert what in found[0].summary
    assert not drafts(reserved_bits, tables(packets=packets(*sent(2, **more))))


@pytest.mark.parametrize(
    "more",
    [
        {"flags": 0x38, "dst_port": 23},
        {"flags": 0x0C2},
        {"flags": 0x110},
        {"flags": 0x29},
        {"flags": 0x410, "fragment_offset": 5},
        {"ip_flags": 2},
    ],
    ids=["telnet", "ECN set-up", "accurate ECN", "told as xmas", "a fragment", "do not fragment"],
)
def test_look_alikes_are_quiet(more: dict) -> None:
    assert not drafts(reserved_bits, tables(packets=packets(*sent(30, **more))))


def test_wire(wire: Wire) -> None:
    found = wire.found(reserved_bits)
    assert [d.hosts[0] for d in found.values()] == ["10.9.0.87", "10.9.0.88", "10.9.0.89"]
