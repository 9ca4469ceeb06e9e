"""SCN004: many addresses pinged."""

from __future__ import annotations

import pytest

from tests.builders import START, drafts, family, packets, tables
from tests.conftest import case_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.icmp_sweep import icmp_sweep
from tshark_report.tables.tables import Tables

PINGER = "10.0.0.66"


def pings(count: int, repeats: int = 1, step: float = 0.01, answered: int = 0, ttls: int = 1) -> Tables:
    rows: list[dict] = []
    for n in range(count):
        pair = {
            "src": PINGER,
            "dst": f"10.0.1.{n + 1}",
            "transport": "icmp",
            "src_port": None,
            "dst_port": None,
            "stream": None,
        }
        for r in range(repeats):
            rows.append(
                pair
                | {"type": 8, "ident": 1, "sequence": n, "ttl": 64 - n % ttls, "time": START + n * step + r * 0.001}
            )
        if n < answered:
            rows.append(
                pair
                | {
                    "src": pair["dst"],
                    "dst": PINGER,
                    "type": 0,
                    "ident": 1,
                    "sequence": n,
                    "ttl": 64,
                    "time": START + n * step,
                }
            )
    wide = [{k: v for k, v in row.items() if k not in ("type", "ident", "sequence")} for row in rows]
    return tables(
        packets=packets(*wide), icmp=family("icmp", *({k: v for k, v in row.items() if k != "ttl"} for row in rows))
    )


def test_fires_at_ten_hosts_and_is_quiet_at_nine() -> None:
    found = drafts(icmp_sweep, pings(10))
    assert [(d.subject, d.priority) for d in found] == [(PINGER, "medium")]
    assert "none answered, 10 did not" in found[0].summary
    assert "TTL differs" not in found[0].summary
    assert not drafts(icmp_sweep, pings(9))


def test_within_a_minute() -> None:
    assert drafts(icmp_sweep, pings(10, step=6.6))
    assert not drafts(icmp_sweep, pings(10, step=6.7))


def test_a_monitor_asks_again_and_again() -> None:
    assert drafts(icmp_sweep, pings(12, repeats=4))
    assert not drafts(icmp_sweep, pings(12, repeats=5))


def test_three_of_ten_must_stay_silent_unless_there_are_fifty() -> None:
    assert drafts(icmp_sweep, pings(20, answered=14))
    assert not drafts(icmp_sweep, pings(20, answered=15))
    assert drafts(icmp_sweep, pings(50, answered=50))[0].priority == "low"
    assert not drafts(icmp_sweep, pings(49, answered=49))


def test_ttl_that_differs() -> None:
    assert "4 values, 61 to 64" in drafts(icmp_sweep, pings(12, ttls=4))[0].summary
    assert "TTL differs" not in drafts(icmp_sweep, pings(12, ttls=3))[0].summary


def test_wire(wire: Wire) -> None:
    found = wire.found(icmp_sweep)
    assert list(found) == ["10.9.0.68"]
    assert len(found["10.9.0.68"].frames) == 24


@pytest.mark.shared
@pytest.mark.tshark
def test_published_capture(tmp_path) -> None:
    path = case_capture("slips_icmp_sweep")
    found = drafts(icmp_sweep, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.subject for d in found] == ["192.168.1.109"]
    assert "18 values, 37 to 59" in found[0].summary
