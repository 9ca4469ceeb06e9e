"""SCN006: SYNs that are never completed."""

from __future__ import annotations

from tests.builders import START, drafts, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import session, syn, timed
from tshark_report.rules.scans.syn_flood import syn_flood

SERVER = "10.0.0.80"


def flood(count: int, sources: int = 100, seconds: float = 9.9, answered: int = 0) -> list[dict]:
    rows = []
    for n in range(count):
        time = START + n * seconds / count
        src = f"198.18.{n % sources // 200}.{n % sources % 200 + 1}"
        rows.append(syn(n, SERVER, 80, src) | {"time": time})
    for n in range(answered):
        rows += [row | {"time": START + 1} for row in session(10_000 + n, SERVER, 80, f"10.0.5.{n % 250 + 1}")]
    return rows


def test_fires_at_200_in_ten_seconds_and_is_quiet_at_199() -> None:
    found = drafts(syn_flood, tables(packets=packets(*flood(200))))
    assert [(d.subject, d.priority) for d in found] == [(SERVER, "high")]
    assert "200 SYNs to TCP port 80" in found[0].summary
    assert not drafts(syn_flood, tables(packets=packets(*flood(199))))


def test_quiet_where_it_takes_longer() -> None:
    assert not drafts(syn_flood, tables(packets=packets(*flood(240, seconds=13))))


def test_quiet_in_a_crowd_that_is_served() -> None:
    assert drafts(syn_flood, tables(packets=packets(*flood(210, answered=90))))
    assert not drafts(syn_flood, tables(packets=packets(*flood(210, answered=91))))


def test_one_source_is_told_as_such() -> None:
    found = drafts(syn_flood, tables(packets=packets(*flood(300, sources=1))))
    assert found[0].priority == "medium"
    assert "from one source, 198.18.0.1" in found[0].summary


def test_made_up_sources_with_one_ttl() -> None:
    summary = drafts(syn_flood, tables(packets=packets(*flood(300, sources=300))))[0].summary
    assert "spoofed" in summary
    assert "All came with TTL 64" in summary


def test_a_port_scan_is_not_a_flood() -> None:
    rows = timed([syn(n, SERVER, n + 1) for n in range(1000)])
    assert not drafts(syn_flood, tables(packets=packets(*rows)))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(syn_flood)) == ["10.9.0.80"]
