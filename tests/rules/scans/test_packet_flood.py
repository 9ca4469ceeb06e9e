"""SCN011: floods of UDP and ICMP."""

from __future__ import annotations

import pytest

from tests.builders import START, drafts, family, packets, tables
from tests.rules.scans.conftest import Wire
from tshark_report.rules.scans.packet_flood import packet_flood


def flood(count: int, ports: int = 200, sources: int = 1, first_port: int = 3000, **more: object) -> list[dict]:
    return [
        {
            "src": f"10.0.6.{n % sources + 1}",
            "dst": "203.0.113.9",
            "src_port": 50000,
            "dst_port": first_port + n % ports,
            "stream": n % ports,
            "transport": "udp",
            "protocol": "UDP",
            "payload": 100,
            "flags": None,
            "time": START + n * 9.9 / count,
        }
        | more
        for n in range(count)
    ]


def test_fires_at_1000_in_ten_seconds_and_is_quiet_at_999() -> None:
    found = drafts(packet_flood, tables(packets=packets(*flood(1000))))
    assert [(d.subject, d.priority) for d in found] == [("203.0.113.9 UDP", "medium")]
    assert "1,000 UDP packets" in found[0].summary
    assert not drafts(packet_flood, tables(packets=packets(*flood(999))))


@pytest.mark.parametrize(
    "more",
    [
        {"ports": 1},
        {"ports": 99},
        {"ports": 1, "sources": 49},
        {"ports": 1, "sources": 60, "first_port": 514},
        {"protocol": "RTP"},
        {"payload": 0},
        {"dst": "239.1.1.1"},
    ],
    ids=["stream", "99 ports", "49 sources", "syslog", "known protocol", "port scan", "multicast"],
)
def test_look_alikes_are_quiet(more: dict) -> None:
    assert not drafts(packet_flood, tables(packets=packets(*flood(1500, **more))))


@pytest.mark.parametrize("more", [{"ports": 100}, {"ports": 1, "sources": 50}, {"ports": 1, "first_port": 80}])
def test_shapes_of_a_flood(more: dict) -> None:
    assert drafts(packet_flood, tables(packets=packets(*flood(1500, **more))))


def test_a_protocol_named_by_the_port_alone() -> None:
    """1,500 datagrams of one size to port 53 are no questions, whatever tshark calls them."""
    rows = flood(1500, ports=1, first_port=53, protocol="DNS")
    assert drafts(packet_flood, tables(packets=packets(*rows)))
    questions = [row | {"length": 70 + n % 10} for n, row in enumerate(rows)]
    assert not drafts(packet_flood, tables(packets=packets(*questions)))
    nearly = [row | {"length": 70 + (n % 9 == 0)} for n, row in enumerate(rows)]
    assert not drafts(packet_flood, tables(packets=packets(*nearly)))
    upload = flood(1500, ports=1, first_port=443, protocol="QUIC")
    assert not drafts(packet_flood, tables(packets=packets(*upload)))


def test_answered_traffic_is_quiet() -> None:
    rows = flood(1500)
    back = [
        r | {"src": r["dst"], "dst": r["src"], "src_port": r["dst_port"], "dst_port": r["src_port"]} for r in rows[:31]
    ]
    assert not drafts(packet_flood, tables(packets=packets(*rows, *back)))
    assert drafts(packet_flood, tables(packets=packets(*rows, *back[:30])))


def pings(count: int, sizes: int = 1, seconds: float = 9.9) -> list[dict]:
    return [
        {
            "src": "10.0.0.66",
            "dst": "203.0.113.9",
            "type": 8,
            "length": 98 + n % sizes,
            "time": START + n * seconds / count,
        }
        for n in range(count)
    ]


def test_ping_flood() -> None:
    found = drafts(packet_flood, tables(icmp=family("icmp", *pings(500))))
    assert [d.subject for d in found] == ["203.0.113.9 ICMP echo request"]
    assert not drafts(packet_flood, tables(icmp=family("icmp", *pings(499))))
    assert not drafts(packet_flood, tables(icmp=family("icmp", *pings(600, seconds=15))))


def test_a_tunnel_in_pings_is_told_elsewhere() -> None:
    assert drafts(packet_flood, tables(icmp=family("icmp", *pings(900, sizes=3))))
    assert not drafts(packet_flood, tables(icmp=family("icmp", *pings(900, sizes=4))))


def test_wire(wire: Wire) -> None:
    assert set(wire.found(packet_flood)) == {"203.0.113.99 UDP", "203.0.113.98 ICMP echo request"}
