"""DNS002: many networks or wholly new answers; quiet on content networks, pools, clouds and rotation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.builders import drafts, family, tables
from tests.conftest import fixture_capture
from tests.rules.names import wire
from tests.rules.names.wire import q, r
from tshark_report.rules.names.changing_addresses import changing_addresses


def dns(name: str, answers: Sequence[Sequence[str]], ttl: int = 30, **columns: Any) -> Any:
    return tables(
        dns=family(
            "dns", *[row for listed in answers for row in (q(name), r(name, addresses=listed, ttl=ttl, **columns))]
        )
    )


SPREAD = [f"{n}.{n}.0.{n}" for n in range(190, 200)]
"""Ten addresses in ten networks, none of a large cloud."""


def test_fires_at_ten_addresses_in_eight_networks() -> None:
    same = ["190.190.0.1", "190.190.0.2"]
    answers = [SPREAD[:4], SPREAD[4:8], same]
    found = drafts(changing_addresses, dns("a.example.com", answers))
    assert found[0].subject == "a.example.com"
    assert "10 different addresses in 8 networks" in found[0].summary
    assert "low TTL of 30 s" in found[0].summary


def test_quiet_at_nine_addresses_or_seven_networks() -> None:
    assert not drafts(changing_addresses, dns("a.example.com", [SPREAD[:3], SPREAD[3:6], SPREAD[6:9]]))
    narrow = [["190.1.0.9", *(f"19{n}.1.0.{m}" for n in range(7))] for m in range(2)]
    assert not drafts(changing_addresses, dns("a.example.com", [*narrow, narrow[0]]))


def test_fires_on_new_answers_within_one_network() -> None:
    answers = [[f"192.0.2.{n * 3 + m}" for m in range(3)] for n in range(5)]
    assert drafts(changing_addresses, dns("a.example.com", answers, ttl=60))
    assert not drafts(changing_addresses, dns("a.example.com", answers, ttl=61))


def test_quiet_where_addresses_come_back() -> None:
    answers = [[f"192.0.2.{(n + m) % 12}" for m in range(4)] for n in range(12)]
    assert not drafts(changing_addresses, dns("a.example.com", answers, ttl=10))


def test_quiet_on_one_address_by_turns() -> None:
    assert not drafts(changing_addresses, dns("a.example.com", [[f"192.0.2.{n}"] for n in range(20)], ttl=5))


def test_quiet_on_long_lived_names() -> None:
    assert not drafts(changing_addresses, dns("a.example.com", [SPREAD[:4], SPREAD[4:8], SPREAD[8:]], ttl=301))


def test_quiet_on_pools_and_content_networks() -> None:
    answers = [SPREAD[:4], SPREAD[4:8], SPREAD[6:]]
    assert not drafts(changing_addresses, dns("0.debian.pool.ntp.org", answers))
    assert not drafts(changing_addresses, dns("www.shop.example", answers, cname="shop.example.edgekey.net"))


def test_quiet_on_a_large_clouds_load_balancer() -> None:
    cloud = [[f"{block}.{n}.{m}.7" for block in (3, 18, 52, 54)] for n, m in ((66, 2), (200, 4), (201, 6))]
    assert not drafts(changing_addresses, dns("api.example.com", cloud))


def test_fixture(loaded) -> None:  # noqa: ANN001
    path = fixture_capture("staged_incident")
    found = drafts(changing_addresses, loaded(path).tables)
    assert [d.subject for d in found] == ["sync.update-node.example"]
    assert found[0].hosts[0] == "10.20.0.21"
    assert wire.exact(path, found[0])
