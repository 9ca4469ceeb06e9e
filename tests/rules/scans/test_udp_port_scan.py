"""SCN007: UDP ports looked for."""

from __future__ import annotations

import pytest

from tests.builders import drafts, family, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import hosts, timed
from tshark_report.rules.scans.udp_port_scan import udp_port_scan


def probe(stream: int, dst: str, port: int, **more: object) -> dict:
    row = {"src": "10.0.0.66", "dst": dst, "src_port": 45000, "dst_port": port, "stream": stream, "transport": "udp"}
    return row | {"protocol": "UDP", "payload": 0, "flags": None} | more


def back(row: dict) -> dict:
    return row | {"src": row["dst"], "dst": row["src"], "src_port": row["dst_port"], "dst_port": row["src_port"]}


def test_fires_at_15_ports_and_is_quiet_at_14() -> None:
    rows = timed([probe(n, "10.0.0.80", 1000 + n) for n in range(15)])
    found = drafts(udp_port_scan, tables(packets=packets(*rows)))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.66", "medium")]
    assert "15 UDP ports of 10.0.0.80" in found[0].summary
    assert not drafts(udp_port_scan, tables(packets=packets(*rows[:14])))


def test_ports_that_tshark_takes_for_one_stream() -> None:
    rows = [probe(7, "10.0.0.80", 1000 + n) for n in range(20)]
    found = drafts(udp_port_scan, tables(packets=packets(*timed(rows))))
    assert "20 UDP ports of 10.0.0.80" in found[0].summary
    answered = drafts(udp_port_scan, tables(packets=packets(*timed(rows + [back(rows[3])]))))
    assert "answered with data: 1003" in answered[0].summary
    assert not drafts(udp_port_scan, tables(packets=packets(*timed(rows + [back(r) for r in rows[:5]]))))


def test_one_in_five_may_answer() -> None:
    rows = [probe(n, "10.0.0.80", 1000 + n) for n in range(20)]
    assert drafts(udp_port_scan, tables(packets=packets(*timed(rows + [back(r) for r in rows[:4]]))))
    assert not drafts(udp_port_scan, tables(packets=packets(*timed(rows + [back(r) for r in rows[:5]]))))


@pytest.mark.parametrize(
    ("first", "source"),
    [(33434, 45000), (50000, 7000), (1000, 1900), (1000, 53)],
    ids=["traceroute", "answers to high ports", "SSDP answers", "DNS answers"],
)
def test_look_alikes_are_quiet(first: int, source: int) -> None:
    rows = timed([probe(n, "10.0.0.80", first + n, src_port=source) for n in range(90)])
    assert not drafts(udp_port_scan, tables(packets=packets(*rows)))


@pytest.mark.parametrize(("port", "priority"), [(1434, "medium"), (700, "medium"), (6881, "low"), (40000, "low")])
def test_same_port_of_twenty_hosts(port: int, priority: str) -> None:
    rows = timed([probe(n, target, port) for n, target in enumerate(hosts(20))])
    found = drafts(udp_port_scan, tables(packets=packets(*rows)))
    assert [(d.subject, d.priority) for d in found] == [(f"10.0.0.66 udp/{port}", priority)]
    assert not drafts(udp_port_scan, tables(packets=packets(*rows[:19])))


def test_peers_with_ports_of_their_own_are_quiet() -> None:
    rows = timed([probe(n, target, 20000 + 37 * n) for n, target in enumerate(hosts(200))])
    assert not drafts(udp_port_scan, tables(packets=packets(*rows)))


def test_resolvers_are_quiet_and_a_search_for_resolvers_is_not() -> None:
    rows = timed([probe(n, target, 53, protocol="DNS") for n, target in enumerate(hosts(30))])

    def asked(names: int) -> list[dict]:
        return [{"src": "10.0.0.66", "name": f"n{n % names}.example", "response": False} for n in range(30)]

    assert drafts(udp_port_scan, tables(packets=packets(*rows), dns=family("dns", *asked(5))))
    assert not drafts(udp_port_scan, tables(packets=packets(*rows), dns=family("dns", *asked(6))))


def test_groups_are_no_hosts() -> None:
    rows = timed([probe(n, f"239.1.{n}.1", 700) for n in range(30)])
    assert not drafts(udp_port_scan, tables(packets=packets(*rows)))


def test_a_flood_is_told_elsewhere() -> None:
    rows = timed([probe(n, "10.0.0.80", n + 1, payload=64) for n in range(1000)])
    assert not drafts(udp_port_scan, tables(packets=packets(*rows)))
    assert drafts(udp_port_scan, tables(packets=packets(*rows[:999])))


def test_wire(wire: Wire) -> None:
    found = wire.found(udp_port_scan)
    assert list(found) == ["10.9.0.70", "10.9.0.71 udp/1434"]
    assert "10 ICMP port unreachable" in found["10.9.0.70"].summary
