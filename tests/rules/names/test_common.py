"""Zones, filters by zone and by number, networks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.names import wire
from tshark_report.rules import filters
from tshark_report.rules.names import _common as c


def test_zones() -> None:
    made = c.zones(
        ["a.b.shop.co.uk", "www.pirate.sea", "x.pirate.sea", "dnscat.546b03f5", "dnscat.91f003f5", "localhost", ""]
    )
    assert made["a.b.shop.co.uk"] == c.Zone("shop.co.uk", "a.b")
    assert made["www.pirate.sea"] == c.Zone("pirate.sea", "www")
    assert made["dnscat.546b03f5"] == c.Zone("dnscat", "546b03f5", prefix=True)
    assert made["localhost"] == c.Zone("localhost", "")
    assert "" not in made


@given(st.text(max_size=80))
def test_any_name_has_a_zone(name: str) -> None:
    assert set(c.zones([name])) == ({name} if name else set())


@given(st.text(max_size=40))
def test_filters_hold_any_text(text: str) -> None:
    made = filters.under("dns.qry.name", text)
    assert made.count('"') == 2
    assert "," not in made
    assert filters.begins("dns.qry.name", text).startswith('dns.qry.name matches "^')


@pytest.mark.tshark
def test_filters_select_names_whole(tshark, tmp_path: Path) -> None:  # noqa: ANN001
    names = [
        "shop.example.com",
        "WWW.Shop.Example.com",
        "notshop.example.com",
        "shop.example.com.evil.net",
        "a+b(c).shop.example.com",
        "shopXexample.com",
    ]
    path = wire.write(tmp_path / "names.pcap", [wire.ask(n, n, name) for n, name in enumerate(names)])
    assert wire.selected(path, filters.under("dns.qry.name", "shop.example.com")) == [1, 2, 5]
    assert wire.selected(path, filters.begins("dns.qry.name", "shop.")) == [1, 4]
    assert wire.selected(path, filters.under("dns.qry.name", "a+b(c).shop.example.com")) == [5]


def test_by_number_tells_only_what_it_selects() -> None:
    display_filter, frames = c.by_number([3, 1, 2, 9])
    assert (frames, display_filter) == (
        [1, 2, 3, 9],
        "dns && frame.number in {1..3, 9}",
    )
    display_filter, frames = c.by_number(range(1, 400, 2))
    assert len(frames) == c.MOST_RANGES
    assert display_filter.count(",") == c.MOST_RANGES - 1


def test_networks() -> None:
    assert c.network_of("192.0.2.9") == "192.0.0.0/16"
    assert c.network_of("52.95.1.1") == c.network_of("54.230.7.7") == "amazon"
    assert c.network_of("2001:db8:1::1") == "2001:db8::/32"
    assert c.network_of("nonsense") == "nonsense"


def test_words() -> None:
    assert c.listed(["a"]) == "a"
    assert c.listed(["a", "b", "c"]) == "a, b and c"
    assert c.listed(["a", "b", "c", "d"]) == "a, b, c and 1 more"
    assert c.cut("x" * 200, 10) == "x" * 9 + "…"
    assert c.clock(None) == "an unknown time"
    assert c.clock(1e30) == "an unknown time"
    assert c.type_name(16) == "TXT"
    assert c.type_name(4711) == "type 4711"
