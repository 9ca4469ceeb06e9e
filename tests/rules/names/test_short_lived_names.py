"""DNS010: low TTLs that are looked up again and again; quiet on known operators."""

from __future__ import annotations

from typing import Any

from tests.builders import drafts, family, tables
from tests.conftest import fixture_capture
from tests.rules.names import wire
from tests.rules.names.wire import q, r
from tshark_report.rules.names.short_lived_names import short_lived_names


def dns(number: int, name: str = "a.example.com", ttl: int = 60, **columns: Any) -> Any:
    rows = [
        row
        for n in range(number)
        for row in (q(name, id=n), r(name, id=n, addresses=["192.0.2.7"], ttl=ttl, **columns))
    ]
    return tables(dns=family("dns", *rows))


def test_fires_at_four_lookups_of_sixty_seconds() -> None:
    found = drafts(short_lived_names, dns(4))
    assert found[0].priority == "info"
    assert "a.example.com (TTL 60 s, 4 times, 192.0.2.7)" in found[0].summary
    assert not drafts(short_lived_names, dns(3))
    assert not drafts(short_lived_names, dns(4, ttl=61))


def test_quiet_on_known_operators() -> None:
    assert not drafts(short_lived_names, dns(9, name="www.microsoft.com"))
    assert not drafts(short_lived_names, dns(9, cname="x.cloudfront.net"))


def test_quiet_on_addresses_of_large_clouds() -> None:
    rows = [
        row
        for n in range(6)
        for row in (q("a.example.com", id=n), r("a.example.com", id=n, addresses=["54.230.1.7"], ttl=5))
    ]
    assert not drafts(short_lived_names, tables(dns=family("dns", *rows)))


def test_fixture(loaded) -> None:  # noqa: ANN001
    path = fixture_capture("staged_incident")
    found = drafts(short_lived_names, loaded(path).tables)
    assert wire.exact(path, found[0])
