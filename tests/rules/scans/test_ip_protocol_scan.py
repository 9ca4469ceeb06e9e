"""SCN009: empty IP packets of many kinds."""

from __future__ import annotations

from tests.builders import drafts, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import timed
from tshark_report.rules.scans.ip_protocol_scan import ip_protocol_scan


def empty(count: int, **more: object) -> list[dict]:
    row = {
        "src": "10.0.0.66",
        "dst": "10.0.0.80",
        "ip_length": 20,
        "transport": None,
        "src_port": None,
        "dst_port": None,
    }
    return timed([row | {"protocols": f"eth:ethertype:ip:p{n}", "stream": None} | more for n in range(count)])


def test_fires_at_ten_and_is_quiet_at_nine() -> None:
    found = drafts(ip_protocol_scan, tables(packets=packets(*empty(10))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.66 -> 10.0.0.80", "medium")]
    assert "10 IP packets with a header and nothing behind it" in found[0].summary
    assert not drafts(ip_protocol_scan, tables(packets=packets(*empty(9))))


def test_packets_with_content_are_quiet() -> None:
    assert not drafts(ip_protocol_scan, tables(packets=packets(*empty(60, ip_length=21))))


def test_wire(wire: Wire) -> None:
    found = wire.found(ip_protocol_scan)
    assert list(found) == ["10.9.0.77 -> 10.9.0.10"]
    assert "7 were answered with ICMP protocol unreachable" in found["10.9.0.77 -> 10.9.0.10"].summary
