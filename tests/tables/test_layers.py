"""Layers of a packet from frame.protocols."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tshark_report.tables.layers import Layer, chain


def test_plain_packet_is_simple() -> None:
    made = chain("eth:ethertype:ip:tcp:http")
    assert made.simple
    assert made.transport == "tcp"
    assert made.networks == (Layer("ip", 0),)


def test_vxlan_has_two_of_each() -> None:
    made = chain("eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:tcp:tls")
    assert not made.simple
    assert made.tunnelled
    assert [f.kind for f in made.flows] == ["udp", "tcp"]
    # One column lists all tcp.stream values before all udp.stream values.
    assert [f.stream_index for f in made.flows] == [1, 0]
    assert made.flows[0].network == Layer("ip", 0)
    assert made.flows[1].network == Layer("ip", 1)
    assert made.ttl_index == 1


def test_ipv4_inside_ipv6_finds_the_inner_address() -> None:
    # The column lists ip.src before ipv6.src, whatever the order on the wire.
    made = chain("eth:ethertype:ipv6:ip:udp")
    assert [n.index for n in made.networks] == [1, 0]
    assert made.ttl_index == 0


def test_icmp_error_quotes_and_is_no_tunnel() -> None:
    made = chain("eth:ethertype:ip:icmp:ip:udp:dns")
    assert made.quoting
    assert not made.tunnelled
    assert made.transport == "icmp"
    assert made.networks == (Layer("ip", 0),)
    assert made.quoted_streams == (("udp", 0),)


def test_neighbour_discovery_quotes_nothing() -> None:
    assert chain("eth:ethertype:ipv6:icmpv6").simple


@pytest.mark.parametrize("text", ["", "eth:llc:stp", "can", "a" * 2047])
def test_other_links_have_no_layers(text: str) -> None:
    made = chain(text)
    assert made.transport is None
    assert not made.networks


@given(
    st.lists(st.sampled_from(["eth", "ip", "ipv6", "udp", "tcp", "icmp", "gre", "data", "arp", "sctp"]), max_size=12)
)
def test_places_are_those_of_the_columns(names: list[str]) -> None:
    made = chain(":".join(names))
    ips = sum(n in ("ip", "ipv6", "arp") for n in names)
    assert all(0 <= n.index < ips for n in made.networks)
    assert len({n.index for n in made.networks}) == len(made.networks)
    streams = sum(n in ("tcp", "udp") for n in names)
    places = [f.stream_index for f in made.flows if f.kind != "sctp"]
    assert all(0 <= p < streams for p in places)
    assert len(set(places)) == len(places)
