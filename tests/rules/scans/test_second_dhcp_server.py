"""LNK009: DHCP servers that name different routers."""

from __future__ import annotations

from tests.builders import drafts, family, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.test_dhcp_starvation import dhcp_packet
from tests.rules.scans.wire import Tape, read, same_frames
from tshark_report.rules.scans.second_dhcp_server import second_dhcp_server

MAC, OTHER = "02:00:00:00:00:05", "02:00:00:00:00:06"


def offer(server: str, router: str, mac: str = MAC, kind: int = 2) -> dict:
    return {"kind": kind, "server": server, "router": router, "client_mac": mac, "src": server, "offered": "10.0.0.99"}


def found(*rows: dict) -> list:
    wide = [{"frame": n + 1, "src": row["src"]} for n, row in enumerate(rows)]
    return drafts(second_dhcp_server, tables(dhcp=family("dhcp", *rows), packets=packets(*wide)))


def test_two_servers_with_two_routers() -> None:
    made = found(offer("10.0.0.1", "10.0.0.1"), offer("10.0.0.66", "10.0.0.66"))
    assert [(d.subject, d.priority) for d in made] == [("DHCP servers", "medium")]
    assert "10.0.0.66" in made[0].summary
    assert "names router 10.0.0.66" in made[0].summary


def test_redundant_servers_and_separate_links_are_quiet() -> None:
    assert not found(offer("10.0.0.1", "10.0.0.1"))
    assert not found(offer("10.0.0.2", "10.0.0.1"), offer("10.0.0.3", "10.0.0.1"))
    assert not found(offer("10.0.0.1", "10.0.0.1"), offer("10.0.0.1", "10.0.0.254"))
    assert not found(offer("10.0.0.1", "10.0.0.1"), offer("10.1.0.1", "10.1.0.1", mac=OTHER))
    assert not found(offer("10.0.0.1", "10.0.0.1"), offer("10.0.0.66", "10.0.0.66", kind=3))


def test_wire(wire: Wire, tmp_path) -> None:
    assert not wire.found(second_dhcp_server)
    tape = Tape()
    tape.add(dhcp_packet(1, MAC))
    for server in ("10.9.0.1", "10.9.0.66"):
        tape.add(dhcp_packet(2, MAC, server=server, router=server, offered="10.9.0.99"))
    tape.add(dhcp_packet(5, OTHER, server="10.9.0.1", router="10.9.0.1", offered="10.9.0.98"))
    tape.add(dhcp_packet(2, OTHER, server="10.9.0.3", router="10.9.0.1", offered="10.9.0.97"))
    path = tape.save(tmp_path / "rogue.pcap")
    made = drafts(second_dhcp_server, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [d.hosts for d in made] == [("10.9.0.1", "10.9.0.66")]
