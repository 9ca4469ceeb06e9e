"""SCN003: many addresses of the link asked for."""

from __future__ import annotations

import pytest

from tests.builders import START, drafts, family, tables
from tests.conftest import case_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.arp_scan import arp_scan

ASKER, MAC = "10.0.0.66", "02:00:00:00:00:66"


def requests(count: int, step: float = 0.01, stride: int = 1) -> list[dict]:
    return [
        {
            "opcode": 1,
            "src_mac": MAC,
            "sender": ASKER,
            "target": f"10.0.{n * stride // 250}.{n * stride % 250 + 1}",
            "time": START + n * step,
        }
        for n in range(count)
    ]


def test_fires_at_25_addresses_and_is_quiet_at_24() -> None:
    found = drafts(arp_scan, tables(arp=family("arp", *requests(25))))
    assert [(d.subject, d.priority) for d in found] == [(ASKER, "medium")]
    assert "25 different addresses" in found[0].summary
    assert not drafts(arp_scan, tables(arp=family("arp", *requests(24))))


def test_within_a_minute() -> None:
    assert drafts(arp_scan, tables(arp=family("arp", *requests(25, step=2.5))))
    assert not drafts(arp_scan, tables(arp=family("arp", *requests(25, step=2.51))))


def test_scattered_addresses_are_low() -> None:
    assert drafts(arp_scan, tables(arp=family("arp", *requests(25, stride=9))))[0].priority == "low"


def test_quiet_where_most_answer() -> None:
    replies = [
        {"opcode": 2, "src_mac": f"02:00:00:00:01:{n:02x}", "sender": f"10.0.0.{n + 1}", "target": ASKER}
        for n in range(16)
    ]
    assert not drafts(arp_scan, tables(arp=family("arp", *requests(30), *replies)))
    assert drafts(arp_scan, tables(arp=family("arp", *requests(30), *replies[:15])))


def test_announcing_an_address_is_not_asking() -> None:
    rows = [{"opcode": 1, "src_mac": MAC, "sender": f"10.0.0.{n}", "target": f"10.0.0.{n}"} for n in range(1, 60)]
    assert not drafts(arp_scan, tables(arp=family("arp", *rows)))


def test_wire(wire: Wire) -> None:
    found = wire.found(arp_scan)
    assert list(found) == ["10.9.0.69"]
    assert "1 answered: 10.9.2.7" in found["10.9.0.69"].summary


@pytest.mark.shared
@pytest.mark.tshark
def test_published_capture(tmp_path) -> None:
    path = case_capture("slips_arp_scan")
    found = drafts(arp_scan, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [(d.subject, len(d.frames)) for d in found] == [("192.168.1.247", 507)]
