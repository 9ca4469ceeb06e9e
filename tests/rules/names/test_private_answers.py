"""DNS009: outside, then inside; quiet on split DNS by server, on portals, filters and long TTLs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.private_answers import private_answers

NAME = "a.rebind.example.com"


def dns(*answers: Any) -> Any:
    return tables(dns=family("dns", *[row for answer in answers for row in (q(answer["name"]), answer)]))


def test_fires_on_outside_then_inside() -> None:
    found = drafts(
        private_answers, dns(r(NAME, addresses=["203.0.113.9"], ttl=60), r(NAME, addresses=["192.168.1.1"], ttl=60))
    )
    assert [(d.subject, d.priority) for d in found] == [(NAME, "medium")]
    assert "rebinding" in found[0].summary
    assert set(found[0].hosts) >= {"10.0.0.5", "192.168.1.1", "203.0.113.9"}


def test_quiet_with_longer_ttl() -> None:
    assert not drafts(
        private_answers, dns(r(NAME, addresses=["203.0.113.9"], ttl=61), r(NAME, addresses=["192.168.1.1"], ttl=61))
    )


def test_quiet_on_split_dns_by_server() -> None:
    assert not drafts(
        private_answers, dns(r(NAME, addresses=["203.0.113.9"], src=wire.OTHER), r(NAME, addresses=["192.168.1.1"]))
    )


def test_quiet_on_portals_and_filters() -> None:
    portal = [r(f"n{n}.example.com", addresses=["10.0.0.1"], ttl=1) for n in range(5)]
    assert not drafts(private_answers, dns(*portal, r("n0.example.com", addresses=["203.0.113.9"], ttl=1)))
    assert not drafts(
        private_answers,
        dns(r(NAME, addresses=["203.0.113.9"]), r(NAME, addresses=["0.0.0.0"]), r(NAME, addresses=["127.0.0.1"])),
    )


def test_quiet_on_names_of_the_network_itself() -> None:
    assert not drafts(
        private_answers, dns(r("nas.lan", addresses=["203.0.113.9"]), r("nas.lan", addresses=["192.168.1.4"]))
    )


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    upper = NAME.upper()
    path = wire.write(
        tmp_path / "rebind.pcap",
        [
            ask(0, 1, NAME),
            tell(0.1, 1, NAME, [wire.a(NAME, "203.0.113.9", 1)]),
            ask(2, 2, upper),
            tell(2.1, 2, upper, [wire.a(NAME, "192.168.1.1", 1)]),
            ask(3, 3, "x." + NAME),
            tell(3.1, 3, "x." + NAME, rcode=3),
        ],
    )
    found = drafts(private_answers, loaded(path).tables)
    assert list(found[0].frames) == [1, 2, 3, 4]
    assert wire.exact(path, found[0])
