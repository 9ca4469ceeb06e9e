"""DNS001: fires at its thresholds, quiet one below, quiet on content networks, reputation look-ups and mail."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.names import wire
from tests.rules.names.wire import q, r
from tshark_report.rules.names.dns_tunnel import dns_tunnel


def code(number: int, length: int = 32) -> str:
    """Encoded text that is different for each number."""
    return base64.b32encode(hashlib.sha512(str(number).encode()).digest()).decode().lower()[:length]


def dns(names: list[str], kind: int = 1, **answer: Any) -> Any:
    rows = [row for name in names for row in (q(name, kind), r(name, kind, **answer))]
    return tables(dns=family("dns", *[row | {"id": place} for place, row in enumerate(rows)]))


def test_fires_at_twelve_long_encoded_names() -> None:
    found = drafts(dns_tunnel, dns([f"{code(n)}.t.example.com" for n in range(12)]))
    assert [d.subject for d in found] == ["10.0.0.5 example.com"]
    assert found[0].priority == "medium"
    assert found[0].hosts == ("10.0.0.5", "10.0.0.53")
    assert "12 different names" in found[0].summary
    assert len(found[0].frames) == 24


def test_quiet_at_eleven_long_names() -> None:
    assert not drafts(dns_tunnel, dns([f"{code(n)}.t.example.com" for n in range(11)]))


def test_high_from_forty_names_on() -> None:
    forty = drafts(dns_tunnel, dns([f"{code(n)}.example.com" for n in range(40)]))
    below = drafts(dns_tunnel, dns([f"{code(n)}.example.com" for n in range(39)]))
    assert (forty[0].priority, below[0].priority) == ("high", "medium")


def test_short_questions_between_do_not_hide_long_ones() -> None:
    """A program that polls with short names and sends with long ones."""
    polls = [f"api.{n:08x}.example.com" for n in range(100)]
    assert drafts(dns_tunnel, dns([*polls, *(f"post.{code(n)}.example.com" for n in range(12))]))
    assert not drafts(dns_tunnel, dns([*polls, *(f"post.{code(n)}.example.com" for n in range(11))]))


def test_null_records_need_few_questions() -> None:
    assert drafts(dns_tunnel, dns([f"p{n}.example.com" for n in range(8)], kind=10))[0].priority == "high"
    assert not drafts(dns_tunnel, dns([f"p{n}.example.com" for n in range(7)], kind=10))


def test_private_types_count_as_null_records() -> None:
    assert drafts(dns_tunnel, dns([f"p{n}.example.com" for n in range(8)], kind=65399))


@pytest.mark.parametrize("kind", [5, 15, 16, 25, 33])
def test_odd_types_with_encoded_names(kind: int) -> None:
    names = [f"{code(n, 20)}.example.com" for n in range(12)]
    assert drafts(dns_tunnel, dns(names, kind))
    assert not drafts(dns_tunnel, dns(names[:11], kind))


def test_names_without_a_domain_are_grouped_by_their_first_label() -> None:
    found = drafts(dns_tunnel, dns([f"dnscat.{hashlib.md5(bytes([n])).hexdigest()}" for n in range(20)], kind=16))
    assert found[0].subject == "10.0.0.5 dnscat.*"
    assert 'matches "^dnscat[.]"' in found[0].display_filter
    assert found[0].indicators == ()


def test_bulk_answers_for_short_names() -> None:
    names = [f"a{n}.stage.example.com" for n in range(20)]
    assert drafts(dns_tunnel, dns(names, 16, length=1000))
    assert not drafts(dns_tunnel, dns(names, 16, length=999))


def test_quiet_on_reputation_lookups() -> None:
    vendor = [f"{code(n, 40)}.i.01.mac.sophosxl.net" for n in range(60)]
    unknown = [f"{code(n, 40)}.lists.example.com" for n in range(60)]
    assert not drafts(dns_tunnel, dns(vendor))
    assert not drafts(dns_tunnel, dns(unknown, addresses=["127.0.0.2"]))


def test_quiet_on_shards_of_a_content_network() -> None:
    assert not drafts(dns_tunnel, dns([f"r{n}---sn-4g5ednsz{n:02d}.cdn.example.com" for n in range(120)]))
    assert not drafts(
        dns_tunnel, dns([f"{hashlib.md5(bytes([n])).hexdigest()[:8]}.assets.example.com" for n in range(140)])
    )


def test_quiet_on_generated_names_of_a_cluster() -> None:
    names = [f"redis-{hashlib.md5(bytes([n])).hexdigest()[:10]}-x.default.svc.cluster.local" for n in range(60)]
    assert not drafts(dns_tunnel, dns(names, addresses=["10.244.1.7"]))
    assert drafts(dns_tunnel, dns([f"{code(n)}.t.example.com" for n in range(60)], addresses=["10.244.1.7"]))


def test_quiet_on_one_long_name_asked_again_and_again() -> None:
    assert not drafts(dns_tunnel, dns([f"{code(n % 12)}.example.com" for n in range(120)]))


def test_quiet_on_mail_policy_and_services() -> None:
    policy = [f"{code(n, 20)}._domainkey.example.com" for n in range(40)]
    services = [f"_ldap._tcp.site{n}._sites.dc._msdcs.corp.example" for n in range(40)]
    assert not drafts(dns_tunnel, dns(policy, 16))
    assert not drafts(dns_tunnel, dns(services, 33))


def test_quiet_on_reverse_lookups() -> None:
    names = [".".join(hashlib.md5(bytes([n])).hexdigest()) + ".ip6.arpa" for n in range(60)]
    assert not drafts(dns_tunnel, dns(names, 12))


def test_a_resolver_that_asks_for_others_is_told_so() -> None:
    rows = [q(f"{code(n)}.example.com", 10) for n in range(40)]
    rows.append(r("www.example.org", src="10.0.0.5", dst="10.0.0.9"))
    found = drafts(dns_tunnel, tables(dns=family("dns", *rows)))
    assert "may ask for one of its own clients" in found[0].lowered_because


def test_quiet_without_dns() -> None:
    assert not drafts(dns_tunnel, tables())


def test_fixture(loaded) -> None:  # noqa: ANN001
    path = fixture_capture("dns_tunnel")
    found = drafts(dns_tunnel, loaded(path).tables)
    assert [d.subject for d in found] == ["10.20.0.21 cloudcheck.example"]
    assert found[0].priority == "high"
    assert wire.exact(path, found[0])


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case", "subject"), [("elastic_dns_iodine", "10.0.2.30 pirate.sea"), ("ndpi_dnscat", "192.168.220.56 dnscat.*")]
)
def test_published_captures(loaded, case: str, subject: str) -> None:  # noqa: ANN001
    path = case_capture(case)
    found = drafts(dns_tunnel, loaded(path).tables)
    assert [d.subject for d in found] == [subject]
    assert wire.exact(path, found[0])


def test_quiet_on_ordinary_use(loaded) -> None:  # noqa: ANN001
    assert not drafts(dns_tunnel, loaded(fixture_capture("quiet_hour")).tables)
