"""TUN002: each kind of tunnel with its filter; quiet on plain packets."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pytest

from tests.builders import drafts, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.names import wire
from tshark_report.rules.names.encapsulated_traffic import encapsulated_traffic

INNER = wire.udp("10.9.0.1", "10.9.0.2", 40000, 9999, b"inside")
SIX = (
    struct.pack(">IHBB", 0x60000000, 8, 17, 64)
    + ipaddress.IPv6Address("2001:db8::1").packed
    + ipaddress.IPv6Address("2001:db8::2").packed
    + struct.pack(">HHHH", 40000, 9999, 8, 0)
)
A, B = "192.0.2.1", "192.0.2.2"

KINDS = {
    "VXLAN": wire.udp(A, B, 50000, 4789, struct.pack(">BBHI", 8, 0, 0, 42 << 8) + wire.ethernet(INNER)),
    "GRE": wire.ip(A, B, 47, struct.pack(">HH", 0, 0x0800) + INNER),
    "IPv6 in IPv4": wire.ip(A, B, 41, SIX),
    "IPv4 in IPv4": wire.ip(A, B, 4, INNER),
    "Teredo": wire.udp(A, B, 50000, 3544, SIX),
    "Geneve": wire.udp(A, B, 50000, 6081, struct.pack(">BBHI", 0, 0, 0x6558, 7 << 8) + wire.ethernet(INNER)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_with_its_filter(loaded, tmp_path: Path, kind: str) -> None:  # noqa: ANN001
    path = wire.write(tmp_path / "tunnel.pcap", [(0.0, INNER), (1.0, KINDS[kind]), (2.0, INNER)])
    found = drafts(encapsulated_traffic, loaded(path).tables)
    assert [d.title for d in found] == [f"Traffic ran inside {kind}"]
    assert found[0].priority == "low"
    assert found[0].hosts[:2] == (A, B)
    assert kind in found[0].summary
    assert f"outer addresses {A} with {B}" in found[0].summary
    assert list(found[0].frames) == [2]
    assert wire.exact(path, found[0])


def test_vlan_tags_alone_are_context(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    tagged = wire.ethernet(struct.pack(">HH", 5, 0x0800) + INNER, kind=0x8100)
    path = wire.write(tmp_path / "vlan.pcap", [(0.0, tagged), (1.0, INNER)])
    found = drafts(encapsulated_traffic, loaded(path).tables)
    assert [(d.priority, list(d.frames)) for d in found] == [("info", [1])]
    assert wire.exact(path, found[0])


def test_quiet_on_plain_packets() -> None:
    assert not drafts(encapsulated_traffic, tables(packets=packets({}, {"protocols": "eth:ethertype:ip:udp:dns"})))


def test_quiet_on_ordinary_use(loaded) -> None:  # noqa: ANN001
    assert not drafts(encapsulated_traffic, loaded(fixture_capture("quiet_hour")).tables)


@pytest.mark.shared
def test_published_captures(loaded) -> None:  # noqa: ANN001
    path = case_capture("ndpi_vxlan_vlan")
    found = drafts(encapsulated_traffic, loaded(path).tables)
    assert len(found) == 1
    assert all(word in found[0].summary for word in ("VXLAN", "VLAN tag", "TLS server names", "10.10.20.4"))
    assert wire.exact(path, found[0])
    path = case_capture("zeek_teredo")
    found = drafts(encapsulated_traffic, loaded(path).tables)
    assert [d.priority for d in found] == ["low"]
    assert wire.exact(path, found[0])


def test_l2tp_that_nobody_answered_is_not_called_a_tunnel() -> None:
    probe = {"protocols": "eth:ethertype:ip:udp:l2tp", "src": "10.0.0.5", "dst": "10.0.0.30", "transport": "udp"}
    found = drafts(encapsulated_traffic, tables(packets=packets(probe, probe)))
    assert found[0].title == "L2TP packets were sent and not answered"
    assert "10.0.0.5 sent L2TP packets to 10.0.0.30" in found[0].sentence
    answer = probe | {"src": "10.0.0.30", "dst": "10.0.0.5"}
    assert drafts(encapsulated_traffic, tables(packets=packets(probe, answer)))[0].title == "Traffic ran inside L2TP"
