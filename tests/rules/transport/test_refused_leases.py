"""NET012: addresses refused again and again, by the server or by the client."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, tables
from tests.rules.transport import wire
from tshark_report.rules.base import Draft
from tshark_report.rules.transport.refused_leases import refused_leases

MAC, OTHER = "02:00:00:00:00:99", "02:00:00:00:00:98"


def found(*kinds: int, **columns: Any) -> list[Draft]:
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "client_mac": MAC,
            "server": "10.0.0.1",
            "time": START + n,
            "transport": "udp",
            "protocol": "DHCP",
        }
        for n, kind in enumerate(kinds)
    ]
    return drafts(refused_leases, tables(dhcp=family("dhcp", *(row | columns for row in rows))))


def test_fires_at_three() -> None:
    made = found(3, 6, 3, 6, 3, 6)
    assert [(d.subject, d.priority, len(d.frames)) for d in made] == [(MAC, "low", 3)]
    assert "3 refused by the server (NAK); servers named: 10.0.0.1" in made[0].summary
    assert "1 refused by the client (DECLINE: the address is in use) and 2" in found(4, 6, 6)[0].summary
    assert not found(3, 6, 3, 6)


def test_quiet_on_offers_and_on_dhcpv6() -> None:
    assert not found(1, 2, 3, 5, 3, 5, 7, 8)
    # 6 is something else there: DHCPv6 REBIND.
    assert not found(6, 6, 6, protocol="DHCPv6", client_mac=None)


def _message(mac: str, kind: int) -> bytes:
    hardware = bytes.fromhex(mac.replace(":", ""))
    body = struct.pack(">BBBBIHH", 2, 1, 6, 0, 7, 0, 0x8000) + b"\0" * 16 + hardware + b"\0" * 202
    body += b"\x63\x82\x53\x63" + bytes([0x35, 1, kind]) + b"\x36\x04\x0a\0\0\x01\xff"
    return wire.ethernet(wire.udp("10.0.0.1", "255.255.255.255", 67, 68, body))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = [(n * 1.0, _message(mac, kind)) for n, (mac, kind) in enumerate([(MAC, 6)] * 4 + [(MAC, 5), (OTHER, 6)])]
    path = wire.write(tmp_path / "leases.pcap", frames)
    made = drafts(refused_leases, loaded(path).tables)
    assert [(d.subject, len(d.frames)) for d in made] == [(MAC, 4)]
    assert wire.exact(path, made)
