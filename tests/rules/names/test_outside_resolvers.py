"""DNS011: questions to servers outside; nothing of a resolver's own work."""

from __future__ import annotations

from typing import Any

from tests.builders import drafts, family, tables
from tests.conftest import fixture_capture
from tests.rules.names import wire
from tests.rules.names.wire import q, r
from tshark_report.rules.names.outside_resolvers import outside_resolvers


def dns(*rows: Any) -> Any:
    return tables(dns=family("dns", *rows))


def outside(number: int, server: str = wire.OTHER) -> list[Any]:
    return [
        row for n in range(number) for row in (q(f"n{n}.example.com", dst=server), r(f"n{n}.example.com", src=server))
    ]


def test_low_where_the_network_has_its_own() -> None:
    found = drafts(outside_resolvers, dns(*outside(2), q("a.example.com"), r("a.example.com")))
    assert [(d.subject, d.priority) for d in found] == [(wire.OTHER, "low")]
    assert wire.RESOLVER in found[0].summary
    assert not drafts(outside_resolvers, dns(*outside(1)))


def test_info_for_public_resolvers_and_where_there_is_no_other() -> None:
    found = drafts(outside_resolvers, dns(*outside(2, "8.8.8.8"), q("a.example.com"), r("a.example.com")))
    assert found[0].priority == "info"
    assert "Google's public resolver 8.8.8.8" in found[0].summary
    assert drafts(outside_resolvers, dns(*outside(2)))[0].priority == "info"


def test_quiet_on_a_resolvers_own_questions() -> None:
    rows = [q("a.example.com", dst=wire.CLIENT, src="10.0.0.9"), r("a.example.com", src=wire.CLIENT, dst="10.0.0.9")]
    assert not drafts(outside_resolvers, dns(*outside(9), *rows))


def test_quiet_where_only_the_inside_is_asked() -> None:
    assert not drafts(outside_resolvers, dns(q("a.example.com"), r("a.example.com"), q("b.example.com")))


def test_fixture(loaded) -> None:  # noqa: ANN001
    path = fixture_capture("unanswered")
    found = drafts(outside_resolvers, loaded(path).tables)
    assert found
    assert all(wire.exact(path, d) for d in found)
