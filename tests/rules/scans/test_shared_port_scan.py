"""SCN016: a scan divided among many sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import drafts, packets, tables
from tests.rules.scans.rows import flat, refused, session
from tests.rules.scans.wire import Tape, read, same_frames, tcp
from tshark_report.rules.base import Draft
from tshark_report.rules.scans.horizontal_port_scan import horizontal_port_scan
from tshark_report.rules.scans.shared_port_scan import shared_port_scan
from tshark_report.rules.scans.vertical_port_scan import vertical_port_scan

TARGET = "10.0.0.80"


def source(n: int) -> str:
    return f"198.51.{n}.7"


def found(*parts: list[dict]) -> list[Draft]:
    return drafts(shared_port_scan, tables(packets=packets(*flat(list(parts)))))


def ports(sources: int, each: int) -> list[list[dict]]:
    """Every source tries some ports of its own."""
    return [refused(s * each + n, TARGET, 1000 + s * each + n, source(s)) for s in range(sources) for n in range(each)]


def hosts(number: int, sources: int = 5, net: str = "10.0.1.") -> list[list[dict]]:
    return [
        refused(n, f"{net}{n + 1}" if net[-1] == "." else f"{n + 1}.{net}", 22, source(n % sources))
        for n in range(number)
    ]


def test_fires_at_fifteen_ports_of_five_sources() -> None:
    made = found(*ports(5, 3))
    assert [(d.subject, d.priority, len(d.frames)) for d in made] == [(TARGET, "medium", 15)]
    assert "5 sources" in made[0].summary
    assert "15 TCP ports of 10.0.0.80, each source 3 (ports 1000-1014)" in made[0].summary
    assert "15 were refused" in made[0].summary
    assert not found(*ports(5, 3)[:14])
    assert not found(*ports(4, 4))


def test_quiet_on_sources_that_are_seen_once() -> None:
    assert not found(*ports(40, 1))
    assert not found(*ports(20, 2))


def test_quiet_where_the_same_ports_come_again_and_again() -> None:
    noise = [refused(s * 4 + n, TARGET, (23, 445, 22, 3000 + s)[n], source(s)) for s in range(20) for n in range(4)]
    assert not found(*noise)
    # 15 ports, 18 tries: 1.2 sources a port. One more is too many.
    again = [refused(100 + n, TARGET, 1000 + n, source((n // 3 + 1) % 5)) for n in range(4)]
    assert found(*ports(5, 3), *again[:3])
    assert not found(*ports(5, 3), *again)


def test_quiet_where_most_are_answered_or_the_client_uses_the_server() -> None:
    served = [session(s * 3 + n, TARGET, 1000 + s * 3 + n, source(s)) for s in range(5) for n in range(3)]
    assert not found(*served)
    users = [session(900 + s, TARGET, 21, source(s)) for s in range(5)]
    assert not found(*ports(5, 3), *users)


def test_one_port_of_a_network() -> None:
    made = found(*hosts(30))
    assert [(d.subject, len(d.frames)) for d in made] == [("TCP port 22 in 10.0.1.0/27", 30)]
    assert "TCP port 22 (ssh) on 30 hosts, each source 6" in made[0].summary
    assert not found(*hosts(29))
    # A way out that is down: servers all over.
    assert not found(*hosts(40, net="9.9.9"))


def test_sources_that_sweep_by_themselves_are_told_once() -> None:
    parts = [refused(s * 30 + n, f"10.0.{s}.{n + 1}", 22, source(s)) for s in range(5) for n in range(30)]
    made = tables(packets=packets(*flat(parts)))
    assert len(drafts(horizontal_port_scan, made)) == 5
    assert not drafts(shared_port_scan, made)


@pytest.mark.tshark
def test_on_the_wire(tmp_path: Path) -> None:
    tape = Tape()
    for n in range(45):
        client, port = source(n % 15), 2000 + n
        tape.add(tcp(client, TARGET, 40000 + n, port, 2, seq=n), tcp(TARGET, client, port, 40000 + n, 0x14, ack=n + 1))
    tape.session("10.0.0.21", "10.0.0.81", 42000, 80)
    for n in range(60):
        tape.add(tcp(source(n % 15), f"10.0.1.{n + 1}", 41000 + n, 3389, 2, seq=n))
    tape.add(tcp("10.0.0.21", "203.0.113.9", 42001, 3389, 2, seq=9))
    path = tape.save(tmp_path / "shared.pcap")
    made = read(path, tmp_path / "scratch")
    drafted = drafts(shared_port_scan, made)
    same_frames(path, drafted)
    assert [(d.subject, len(d.frames)) for d in drafted] == [
        (TARGET, 45),
        ("TCP port 3389 in 10.0.1.0/26", 60),
    ]
    assert not drafts(vertical_port_scan, made)
