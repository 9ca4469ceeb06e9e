"""HDR005: one IP ID for all packets."""

from __future__ import annotations

import pytest

from tests.builders import drafts, packets, tables
from tests.conftest import fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import flat, refused, timed
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.constant_ip_id import constant_ip_id


def sent(ids: list[int], **more: object) -> list[dict]:
    return timed(
        [
            {"src": "10.0.0.66", "dst": "203.0.113.9", "ip_id": i, "seq": n, "ip_flags": 0} | more
            for n, i in enumerate(ids)
        ]
    )


def test_fires_at_20_and_is_quiet_at_19() -> None:
    found = drafts(constant_ip_id, tables(packets=packets(*sent([0x1234] * 20))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.66", "low")]
    assert "0x1234" in found[0].summary
    assert not drafts(constant_ip_id, tables(packets=packets(*sent([0x1234] * 19))))


def test_nine_of_ten_packets_must_share_it() -> None:
    assert drafts(constant_ip_id, tables(packets=packets(*sent([7] * 27 + [1, 2, 3]))))
    assert not drafts(constant_ip_id, tables(packets=packets(*sent([7] * 27 + [1, 2, 3, 4]))))


@pytest.mark.parametrize(("ident", "tool"), [(54321, "ZMap"), (1, "scapy")])
def test_known_tools(ident: int, tool: str) -> None:
    assert tool in drafts(constant_ip_id, tables(packets=packets(*sent([ident] * 30))))[0].summary


def test_zero_counters_copies_and_fragments_are_quiet() -> None:
    assert not drafts(constant_ip_id, tables(packets=packets(*sent([0] * 200))))
    assert not drafts(constant_ip_id, tables(packets=packets(*sent(list(range(1, 201))))))
    assert not drafts(constant_ip_id, tables(packets=packets(*sent([7] * 200, seq=1))))
    assert not drafts(constant_ip_id, tables(packets=packets(*sent([7] * 200, fragment_offset=8))))
    assert not drafts(constant_ip_id, tables(packets=packets(*sent([7] * 200, dst="239.255.255.250"))))


def test_a_port_scan_tells_it_itself() -> None:
    rows = [[row | {"ip_id": 54321} for row in refused(n, "10.0.0.80", 100 + n, "10.0.0.66")] for n in range(40)]
    rows = [[a, b | {"ip_id": n + 1}] for n, (a, b) in enumerate(rows)]
    assert not drafts(constant_ip_id, tables(packets=packets(*flat(rows))))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(constant_ip_id)) == ["10.9.0.85"]


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("odd_headers")
    found = drafts(constant_ip_id, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.subject for d in found] == ["10.20.0.73"]
