"""The DNS page: counts, names, and the cut."""

from __future__ import annotations

from tests.builders import START, family, tables
from tests.conftest import fixture_capture
from tests.rules.names.wire import q, r
from tshark_report.settings import Settings
from tshark_report.story.dns_view import NAMES_KEPT, dns_view


def test_counts_and_names() -> None:
    rows = [
        q("www.example.com", id=1, time=START),
        r("www.example.com", id=1, addresses=["192.0.2.1", "192.0.2.2"], ttl=30, time=START + 0.25),
        q("www.example.com", 28, id=2, time=START + 1),
        r("www.example.com", 28, id=2, aaaa=["2001:db8::1"], ttls=[600], time=START + 1.75),
        q("gone.example.com", id=3, time=START + 2),
        r("gone.example.com", id=3, rcode=3, time=START + 2.25),
        q("lost.example.com", id=4, time=START + 3),
        q("mine.local", protocol="MDNS"),
    ]
    made = dns_view(tables(dns=family("dns", *rows)), Settings())
    assert (made.queries, made.answered, made.unanswered, made.nxdomain) == (4, 3, 1, 1)
    assert made.resolvers == ["10.0.0.53"]
    assert made.median_answer_s == 0.25
    assert made.names_total == 3
    first = made.names[0]
    assert (first.name, first.types, first.queries, first.answers, first.failures) == (
        "www.example.com",
        ["A", "AAAA"],
        2,
        2,
        0,
    )
    assert first.addresses == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert (first.ttl_min_s, first.ttl_max_s) == (30, 600)
    assert first.first_time == "2023-11-14T22:13:20.000000Z"
    assert {n.name: n.failures for n in made.names}["gone.example.com"] == 1


def test_own_resolvers_first_and_multicast_never() -> None:
    rows = [
        q("a.example", dst="198.51.100.53"),
        q("b.example", dst="198.51.100.53"),
        q("c.example"),
        q("d.example", dst="224.0.0.251"),
    ]
    assert dns_view(tables(dns=family("dns", *rows)), Settings()).resolvers == ["10.0.0.53", "198.51.100.53"]


def test_names_are_cut_and_counted() -> None:
    made = dns_view(tables(dns=family("dns", *[q(f"n{n}.example", id=n) for n in range(NAMES_KEPT + 5)])), Settings())
    assert (len(made.names), made.names_total) == (NAMES_KEPT, NAMES_KEPT + 5)


def test_answers_without_questions_and_nothing_at_all() -> None:
    made = dns_view(tables(dns=family("dns", r("a.example", addresses=["192.0.2.1"]))), Settings())
    assert (made.queries, made.names_total, made.names[0].clients) == (0, 1, ["10.0.0.5"])
    assert dns_view(tables(), Settings()).names == []
    assert dns_view(tables(), Settings()).median_answer_s is None


def test_fixture(loaded) -> None:  # noqa: ANN001
    made = dns_view(loaded(fixture_capture("dns_tunnel")).tables, Settings())
    assert made.names_total >= 150
    assert made.nxdomain >= 1
    assert all(n.name == n.name.lower() for n in made.names)
