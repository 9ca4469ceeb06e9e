"""Registered domains and what is known of names."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tshark_report.knowledge import load
from tshark_report.knowledge.domains import has_known_suffix, known_as, registered_domain, within


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.shop.co.uk", "shop.co.uk"),
        ("WWW.Example.COM.", "example.com"),
        ("com", None),
        ("localhost", None),
        ("", None),
        ("host.corp.local", "corp.local"),
        ("a.b.example", "b.example"),
        ("me.github.io", "me.github.io"),
    ],
)
def test_registered_domain(name: str, domain: str | None) -> None:
    assert registered_domain(name) == domain


def test_known_suffixes() -> None:
    assert has_known_suffix("www.example.com")
    assert not has_known_suffix("www.example.sea")


def test_within_takes_whole_labels() -> None:
    assert within("a.akamai.net", {"akamai.net"}) == "akamai.net"
    assert within("notakamai.net", {"akamai.net"}) is None
    assert within("akamai.net", ["akamai.net", "net"]) == "akamai.net"


def test_known_as() -> None:
    assert known_as("x.y.sophosxl.net", "lookup_zones") == "sophosxl.net"
    assert known_as("2.debian.pool.ntp.org", "address_pools") == "pool.ntp.org"
    assert known_as("www.example.org", "content_networks") is None


@given(st.text(max_size=60))
def test_any_text_is_a_name(name: str) -> None:
    domain = registered_domain(name)
    assert domain is None or "." in domain


def test_every_table_has_source_and_date() -> None:
    data = load("dns")
    assert len(data) >= 6
    for name, table in data.items():
        assert table["source"], name
        assert table["date"], name
        assert len(table.get("suffixes", [])) == len(set(table.get("suffixes", []))), name
    for blocks in data["cloud_networks"]["blocks"].values():
        assert all(ipaddress.ip_network(block) for block in blocks)
    assert all(ipaddress.ip_address(a) for a in data["public_resolvers"]["addresses"])
