"""HDR006: one address, many distances."""

from __future__ import annotations

import pytest

from tests.builders import drafts, family, packets, tables
from tests.conftest import fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import timed
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans._common import FINDINGS
from tshark_report.rules.scans.varying_ttl import varying_ttl


def sent(ttls: list[int], **more: object) -> list[dict]:
    return timed([{"src": "10.0.0.66", "dst": "203.0.113.9", "ttl": t, "stream": 1} | more for t in ttls])


def test_fires_at_six_values_and_is_quiet_at_five() -> None:
    found = drafts(varying_ttl, tables(packets=packets(*sent([40, 50, 60, 70, 80, 90] * 2))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.66", "low")]
    assert "6 different TTL values from 40 to 90" in found[0].summary
    assert not drafts(varying_ttl, tables(packets=packets(*sent([40, 50, 60, 70, 80] * 3))))


def test_twelve_packets_are_needed() -> None:
    assert not drafts(varying_ttl, tables(packets=packets(*sent([40, 50, 60, 70, 80, 90, 40, 50, 60, 70, 80]))))


def test_paths_that_change_and_stay_are_quiet() -> None:
    slow = [t for t in (40, 41, 42, 43, 44, 45) for _ in range(20)]
    assert not drafts(varying_ttl, tables(packets=packets(*sent(slow))))


def test_machines_behind_one_address_are_quiet() -> None:
    rows = [row | {"stream": n % 12} for n, row in enumerate(sent([40 + n % 12 for n in range(240)]))]
    assert not drafts(varying_ttl, tables(packets=packets(*rows)))


def test_traceroute_is_quiet() -> None:
    trace = [t for t in range(1, 31) for _ in range(3)]
    assert not drafts(varying_ttl, tables(packets=packets(*sent(trace, transport="udp"))))
    assert not drafts(varying_ttl, tables(packets=packets(*sent(trace, transport="icmp", stream=None))))


def test_services_with_a_ttl_each_are_quiet() -> None:
    rows = [
        {"src": "10.0.0.66", "dst": d, "ttl": t, "stream": n}
        for n, (d, t) in enumerate((("224.0.0.251", 255), ("239.1.1.1", 4), ("203.0.113.9", 64)) * 20)
    ]
    assert not drafts(varying_ttl, tables(packets=packets(*timed(rows))))


def test_a_sweep_tells_it_itself() -> None:
    pairs = [{"src": "10.0.0.66", "dst": f"10.0.1.{n}", "transport": "icmp", "stream": None} for n in range(1, 30)]
    wide = [p | {"ttl": 40 + n * 3, "src_port": None, "dst_port": None} for n, p in enumerate(pairs)]
    asked = family("icmp", *(p | {"type": 8, "time": row["time"]} for p, row in zip(pairs, timed(wide), strict=True)))
    assert drafts(varying_ttl, tables(packets=packets(*timed(wide))))
    assert not drafts(varying_ttl, tables(packets=packets(*timed(wide)), icmp=asked))


def test_at_most_ten_hosts_are_told() -> None:
    rows = [
        {"src": f"10.0.0.{host}", "dst": "203.0.113.9", "ttl": ttl, "stream": host}
        for ttl in [40, 50, 60, 70, 80, 90] * 2
        for host in range(20, 33)
    ]
    assert len(drafts(varying_ttl, tables(packets=packets(*timed(rows))))) == FINDINGS == 10


def test_low_values_that_jump_about_are_no_traceroute() -> None:
    jumping = [1, 9, 2, 14, 3, 8, 20, 5] * 3
    assert drafts(varying_ttl, tables(packets=packets(*sent(jumping, transport="udp"))))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(varying_ttl)) == ["10.9.0.86"]


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("odd_headers")
    found = drafts(varying_ttl, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.subject for d in found] == ["10.20.0.74"]
