"""LNK008: all addresses of a DHCP server asked for."""

from __future__ import annotations

import ipaddress
import struct

from tests.builders import START, drafts, family, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.wire import BROADCAST, Tape, ether, read, same_frames, udp
from tshark_report.rules.scans.dhcp_starvation import dhcp_starvation


def asked(count: int, seconds: float = 59, repeats: int = 1) -> list[dict]:
    return [
        {
            "kind": 1,
            "client_mac": f"5e:00:00:00:{n // 256:02x}:{n % 256:02x}",
            "src": "0.0.0.0",
            "dst": "255.255.255.255",
            "time": START + n * seconds / count,
        }
        for n in range(count)
        for _ in range(repeats)
    ]


def found(rows: list[dict], *others: dict) -> list:
    wide = [{"frame": n + 1, "eth_src": row["client_mac"], "src": row["src"]} for n, row in enumerate(rows)]
    later = [{"frame": len(rows) + n + 1} | row for n, row in enumerate(others)]
    return drafts(dhcp_starvation, tables(dhcp=family("dhcp", *rows), packets=packets(*wide, *later)))


def test_fires_at_50_clients_in_a_minute() -> None:
    made = found(asked(50))
    assert [(d.subject, d.priority) for d in made] == [("DHCP clients", "medium")]
    assert "50 client MAC addresses" in made[0].summary
    assert not found(asked(49))
    assert not found(asked(55, seconds=80))
    assert not found(asked(20, repeats=9))


def test_clients_that_go_on_to_talk_are_quiet() -> None:
    rows = asked(50)
    talking = [{"eth_src": row["client_mac"], "src": f"10.0.0.{n + 1}"} for n, row in enumerate(rows)]
    assert found(rows, *talking[:10])
    assert not found(rows, *talking[:11])


def dhcp_packet(kind: int, mac: str, *, server: str = "", router: str = "", offered: str = "0.0.0.0") -> bytes:
    """A DHCP message in its frame; answers come from `server`."""
    options = b"\x63\x82\x53\x63" + bytes([53, 1, kind])
    if server:
        options += (
            bytes([54, 4]) + ipaddress.IPv4Address(server).packed + bytes([3, 4]) + ipaddress.IPv4Address(router).packed
        )
    client = bytes.fromhex(mac.replace(":", "")) + b"\0" * 10
    head = struct.pack("!BBBBIHH", 2 if server else 1, 1, 6, 0, 0x1234, 0, 0)
    body = (
        head + b"\0" * 4 + ipaddress.IPv4Address(offered).packed + b"\0" * 8 + client + b"\0" * 192 + options + b"\xff"
    )
    if server:
        return udp(server, "255.255.255.255", 67, 68, body)
    frame = udp("0.0.0.0", "255.255.255.255", 68, 67, body)
    return ether(mac, BROADCAST, 0x0800, frame[14:])


def test_wire(wire: Wire, tmp_path) -> None:
    assert not wire.found(dhcp_starvation)
    tape = Tape()
    for n in range(80):
        mac = f"5e:00:00:00:00:{n:02x}"
        tape.add(dhcp_packet(1, mac))
        tape.add(dhcp_packet(2, mac, server="10.9.0.1", router="10.9.0.1", offered=f"10.9.7.{n + 1}"))
    tape.session("10.9.0.21", "203.0.113.4", 40000, 443)
    path = tape.save(tmp_path / "dhcp.pcap")
    made = drafts(dhcp_starvation, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [len(d.frames) for d in made] == [80]
    assert "10.9.0.1" in made[0].summary
