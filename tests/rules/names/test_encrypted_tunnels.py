"""TUN003: VPNs by their protocol."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.builders import drafts, packets, tables
from tests.rules.names import wire
from tshark_report.rules.names.encrypted_tunnels import encrypted_tunnels


def test_ipsec_with_its_filter(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    esp = wire.ip("10.0.0.5", "203.0.113.9", 50, struct.pack(">II", 1, 1) + b"x" * 32)
    path = wire.write(tmp_path / "esp.pcap", [(0.0, esp), (1.0, wire.udp("10.0.0.5", "10.0.0.9", 1, 9999, b"x"))])
    found = drafts(encrypted_tunnels, loaded(path).tables)
    assert [(d.priority, d.hosts) for d in found] == [("info", ("10.0.0.5", "203.0.113.9"))]
    assert "IPsec" in found[0].summary
    assert wire.exact(path, found[0])


def test_each_kind_is_one_finding() -> None:
    rows = [
        {"protocols": f"eth:ethertype:ip:udp:{name}", "src": src, "dst": dst}
        for name in ("wg", "wg", "openvpn")
        for src, dst in (("10.0.0.5", "203.0.113.9"), ("203.0.113.9", "10.0.0.5"))
    ]
    assert [d.title for d in drafts(encrypted_tunnels, tables(packets=packets(*rows)))] == [
        "WireGuard was in use",
        "OpenVPN was in use",
    ]


def test_quiet_on_plain_packets() -> None:
    assert not drafts(encrypted_tunnels, tables(packets=packets({})))


def test_what_nobody_answered_is_not_called_use() -> None:
    probe = {"protocols": "eth:ethertype:ip:udp:isakmp", "src": "10.0.0.5", "dst": "10.0.0.30"}
    found = drafts(encrypted_tunnels, tables(packets=packets(probe, probe)))
    assert found[0].title == "IPsec packets were sent and not answered"
    assert found[0].sentence == "10.0.0.5 sent IPsec packets to 10.0.0.30, and no answer is in the capture"
    assert drafts(encrypted_tunnels, tables(packets=packets(*[probe] * 9)))[0].title != "IPsec was in use"
    assert drafts(encrypted_tunnels, tables(packets=packets(*[probe] * 10)))[0].title == "IPsec was in use"
    answer = probe | {"src": "10.0.0.30", "dst": "10.0.0.5"}
    assert drafts(encrypted_tunnels, tables(packets=packets(probe, answer)))[0].title == "IPsec was in use"
