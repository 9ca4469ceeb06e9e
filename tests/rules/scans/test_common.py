"""Words and filters that the rules of this family share."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START, family, packets, tables
from tshark_report.knowledge import load
from tshark_report.rules import filters
from tshark_report.rules.scans import _common as common
from tshark_report.rules.scans._marks import crafted


@given(st.lists(st.floats(0, 1000), max_size=60), st.floats(0.1, 100))
def test_busiest_counts_what_lies_together(times: list[float], seconds: float) -> None:
    ordered = sorted(times)
    slow = max((sum(a <= t <= a + seconds for t in ordered) for a in ordered), default=0)
    # Sums of floats may fall on either side of the edge.
    assert abs(common.busiest(pl.Series(times, dtype=pl.Float64), seconds) - slow) <= 1


def test_busiest_takes_the_edge() -> None:
    assert common.busiest(pl.Series([0.0, 10.0, 20.5]), 10) == 2
    assert common.busiest(pl.Series([], dtype=pl.Float64), 10) == 0


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=40))
def test_ranges_name_first_and_last(numbers: list[int]) -> None:
    told = common.ranges(numbers, limit=100)
    assert told.startswith(str(min(numbers)))
    assert told.endswith(str(max(numbers)))


def test_ranges() -> None:
    assert common.ranges([1, 2, 3, 22]) == "1-3 and 22"


@pytest.mark.parametrize(
    ("addresses", "network"),
    [
        (["10.0.0.1", "10.0.0.200"], "10.0.0.0/24"),
        (["10.0.0.1", "10.0.1.1"], "10.0.0.0/23"),
        (["10.0.0.1", "11.0.0.1"], ""),
        (["10.0.0.1"], ""),
        (["10.0.0.1", "2001:db8::1"], ""),
        (["2001:db8::1", "2001:db8::ff"], "2001:db8::/120"),
        (["name", "10.0.0.1"], ""),
    ],
)
def test_network(addresses: list[str], network: str) -> None:
    assert common.network(addresses) == network


def test_several() -> None:
    assert common.several(["10.0.0.1", "10.0.0.2"]) == "10.0.0.1 and 10.0.0.2"
    many = [f"10.0.0.{n}" for n in range(1, 64)]
    assert common.several(many, 2) == "10.0.0.1, 10.0.0.2 and 61 more, all in 10.0.0.0/26"


def test_span_names_the_day_where_it_changes() -> None:
    assert common.span(START, START) == "at 22:13:20 UTC"
    assert common.span(START, START + 60) == "between 22:13:20 and 22:14:20 UTC"
    assert common.span(START, START + 86_400) == "between 2023-11-14 22:13:20 and 2023-11-15 22:13:20 UTC"


def test_services() -> None:
    assert common.services([22, 41234]) == "22 (ssh) and 41234"
    assert common.service(53, "udp") == "53 (domain)"
    assert common.notable("tcp", 41234) is None


def test_own_leaves_out_quoted_and_damaged_headers() -> None:
    part = filters.src("10.0.0.1")
    assert common.own(tables(), part) == part
    error = family("icmp", {"src": "10.0.0.1", "dst": "10.0.0.2", "type": 3})
    assert common.own(tables(icmp=error), part) == f"{part} && !(icmp)"
    six = family("icmp", {"src": "2001:db8::1", "dst": "2001:db8::2", "type": 3})
    assert common.own(tables(icmp=six), part) == f"{part} && !(icmpv6)"
    assert common.not_errors(tables(icmp=six)) == "!(icmpv6.type == 3)"
    damaged = packets({"flags": None})
    assert common.own(tables(packets=damaged), "tcp.port == 1") == "tcp.port == 1 && tcp.len"
    assert common.own(tables(packets=damaged), part) == part
    echo = family("icmp", {"src": "10.0.0.1", "dst": "10.0.0.2", "type": 8})
    assert common.not_errors(tables(icmp=echo)) == ""


def test_known_ports_are_complete() -> None:
    data = load("ports")
    assert data["date"]
    seen = set()
    for entry in data["port"]:
        assert set(entry) == {"number", "transport", "service", "uses", "kind", "source"}, entry
        assert 0 < entry["number"] < 65536
        assert set(entry["transport"]) <= {"tcp", "udp"}
        assert set(entry["source"]) <= set(data["sources"]), entry
        for transport in entry["transport"]:
            assert (transport, entry["number"]) not in seen
            seen.add((transport, entry["number"]))
    assert {("tcp", 5358), ("tcp", 23), ("tcp", 31337), ("udp", 11211)} <= seen


def test_few_packets_have_nothing_alike() -> None:
    row = {"src_port": 1, "seq": 1, "ip_id": 7, "ip_length": 40}
    assert crafted(packets(*[row] * 9)) == ""
    assert "same source port 1" in crafted(packets(*[row] * 10))
