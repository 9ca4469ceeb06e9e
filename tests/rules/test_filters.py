"""Filters of names, agents and networks: what tshark accepts, and what they select and reject."""

from __future__ import annotations

import pytest

from tests.conftest import fixture_capture
from tshark_report.capture import filters as run_filters
from tshark_report.capture.dissect import Options
from tshark_report.capture.tshark import Tshark
from tshark_report.rules import filters


def test_how_they_are_written() -> None:
    assert filters.under_host("http.host", "a.example") == 'http.host matches "(^|[.])a[.]example(:[0-9]+)?$"'
    assert filters.whole("http.user_agent", "Own/1") == 'http.user_agent matches "^Own\\\\x2f1$"'
    assert filters.holds("http.user_agent", "Own/1") == 'http.user_agent matches "Own\\\\x2f1"'
    assert filters.network("203.0.113.0/24") == "ip.addr == 203.0.113.0/24"
    assert filters.network("2001:db8::/32") == "ipv6.addr == 2001:db8::/32"
    assert filters.network("203.0.113.0/24", "dns.a") == "dns.a == 203.0.113.0/24"
    assert filters.time_range("1.5", "2") == "frame.time_epoch >= 1.500000 && frame.time_epoch <= 2.000000"


@pytest.mark.parametrize("value", ["203.0.113.0/x", "a b/24", "203.0.113.0"])
def test_a_network_that_is_none(value: str) -> None:
    with pytest.raises(ValueError):
        filters.network(value)


def test_what_they_select(tshark: Tshark, env: dict[str, str]) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
    wanted = {
        filters.network("203.0.113.77/32"): filters.host("203.0.113.77"),
        filters.under_host("http.host", "192.0.2.88"): filters.equals("http.host", "192.0.2.88:8080"),
        filters.whole("http.user_agent", agent.lower()): filters.equals("http.user_agent", agent),
        filters.holds("http.user_agent", "firefox/128"): filters.equals("http.user_agent", agent),
    }
    nothing = [filters.under_host("http.host", "92.0.2.88"), filters.whole("http.user_agent", "Firefox/128.0")]
    counter = run_filters.Counter(tshark, fixture_capture("staged_incident"), Options(), env, 60)
    counted, _ = run_filters.counts(counter, [*wanted, *wanted.values(), *nothing])
    for each, same in wanted.items():
        assert counted[each] == counted[same] > 0, each
    assert [counted[each] for each in nothing] == [0, 0]
