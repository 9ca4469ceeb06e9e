"""SCN002: one port of many hosts."""

from __future__ import annotations

import pytest

from tests.builders import drafts, family, packets, tables
from tests.conftest import case_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import flat, hosts, refused, session, syn, timed
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.horizontal_port_scan import horizontal_port_scan


def search(count: int, port: int = 23, src: str = "10.0.0.5") -> list[list[dict]]:
    return [[syn(n, target, port, src)] for n, target in enumerate(hosts(count))]


@pytest.mark.parametrize(("port", "least"), [(23, 20), (7000, 20), (443, 40), (80, 40)])
def test_fires_at_its_threshold(port: int, least: int) -> None:
    found = drafts(horizontal_port_scan, tables(packets=packets(*flat(search(least, port)))))
    assert [d.subject for d in found] == ["10.0.0.5"]
    assert f"on {least} hosts" in found[0].summary
    assert not drafts(horizontal_port_scan, tables(packets=packets(*flat(search(least - 1, port)))))


def test_slow_ones_count_all_the_same() -> None:
    # Low and slow: one host in ten minutes.
    rows = timed([row for part in search(20) for row in part], step=600.0)
    assert drafts(horizontal_port_scan, tables(packets=packets(*rows)))


def test_priority_by_where_it_goes_and_what_it_looks_for() -> None:
    def priority(rows: list[list[dict]]) -> str:
        return drafts(horizontal_port_scan, tables(packets=packets(*flat(rows))))[0].priority

    assert priority(search(30, 23)) == "high"
    assert priority(search(30, 23, src="203.0.113.5")) == "medium"
    assert priority(search(30, 6881)) == "low"
    assert priority(search(50, 443)) == "medium"
    assert priority([[syn(n, f"10.1.0.{n + 1}", 445)] for n in range(30)]) == "medium"


def test_quiet_where_the_hosts_answer() -> None:
    answered = [session(100 + n, target, 23) for n, target in enumerate(hosts(6, "198.19"))]
    assert not drafts(horizontal_port_scan, tables(packets=packets(*flat(search(20) + answered))))


def test_hosts_known_by_name_do_not_count() -> None:
    targets = hosts(20)
    names = family("dns", *({"response": True, "name": f"s{n}.example", "a": [t]} for n, t in enumerate(targets[:1])))
    assert not drafts(horizontal_port_scan, tables(packets=packets(*flat(search(20))), dns=names))


def test_further_ports_from_five_hosts_on() -> None:
    rows = search(25) + [[syn(900 + n, t, 2323)] for n, t in enumerate(hosts(5, "198.19"))]
    rows += [[syn(990 + n, t, 9527)] for n, t in enumerate(hosts(4, "198.17"))]
    found = drafts(horizontal_port_scan, tables(packets=packets(*flat(rows))))
    assert "2323 (3d-nfsd) on 5 hosts" in found[0].summary
    assert "9527" not in found[0].summary


def test_ports_of_a_host_that_was_searched_through_are_told_there() -> None:
    rows = [refused(n, f"10.1.0.{n // 20 + 1}", n % 20 + 1) for n in range(20 * 20)]
    assert not drafts(horizontal_port_scan, tables(packets=packets(*flat(rows))))


def test_sequence_number_is_the_target() -> None:
    rows = [[syn(n, f"198.18.0.{n + 1}", 23, seq=(198 << 24) + (18 << 16) + n + 1)] for n in range(25)]
    assert "as Mirai does" in drafts(horizontal_port_scan, tables(packets=packets(*flat(rows))))[0].summary


def test_ipv6() -> None:
    rows = [[syn(n, f"2001:db8:ff::{n + 1:x}", 23, "2001:db8::5", ip_id=None, ip_length=40)] for n in range(25)]
    found = drafts(horizontal_port_scan, tables(packets=packets(*flat(rows))))
    assert found[0].display_filter.startswith("ipv6.src == 2001:db8::5 && ")
    assert "all in 2001:db8:ff::/123" in found[0].summary
    assert "TCP option" not in found[0].summary


def test_wire(wire: Wire) -> None:
    assert list(wire.found(horizontal_port_scan)) == ["10.9.0.67"]


@pytest.mark.shared
@pytest.mark.tshark
def test_published_capture(tmp_path) -> None:
    path = case_capture("slips_iot_telnet_scan")
    found = drafts(horizontal_port_scan, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [(d.subject, d.priority) for d in found] == [("192.168.2.16", "high")]
    assert "2323" in found[0].summary
    assert "not answered" in found[0].summary
