"""DNS003: random or many non-existent domains of one client; quiet on probes, search lists, lists and mail."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.generated_names import generated_names, looks_random


def random_domain(number: int, top: str = "com") -> str:
    digest = hashlib.sha256(str(number).encode()).digest()
    return "".join("bcdfghjklmnpqrstvwxz"[b % 20] for b in digest[:12]) + f".{top}"


def dns(names: list[str], **columns: Any) -> Any:
    return tables(dns=family("dns", *[row for name in names for row in (q(name), r(name, rcode=3, **columns))]))


def test_fires_at_ten_random_domains() -> None:
    found = drafts(generated_names, dns([random_domain(n) for n in range(10)]))
    assert [(d.subject, d.priority) for d in found] == [(wire.CLIENT, "medium")]
    assert "NXDOMAIN" in found[0].summary
    assert not drafts(generated_names, dns([random_domain(n) for n in range(9)]))


def test_high_at_thirty() -> None:
    assert drafts(generated_names, dns([random_domain(n) for n in range(30)]))[0].priority == "high"
    assert drafts(generated_names, dns([random_domain(n) for n in range(29)]))[0].priority == "medium"


def test_readable_domains_need_forty() -> None:
    words = [
        f"{a}{b}.net"
        for a in ("green", "house", "paper", "river", "stone", "table", "water")
        for b in ("able", "book", "cold", "door", "east", "fire", "gold")
    ]
    assert drafts(generated_names, dns(words[:40]))[0].confidence == "low"
    assert not drafts(generated_names, dns(words[:39]))


def test_quiet_on_browser_probes_and_search_lists() -> None:
    probes = [random_domain(n).split(".")[0] for n in range(60)]
    assert not drafts(generated_names, dns(probes))
    assert not drafts(generated_names, dns([f"{p}.corp.example.com" for p in probes]))


def test_quiet_on_lookup_zones_and_reverse_names() -> None:
    assert not drafts(generated_names, dns([f"{n}.0.0.10.zen.spamhaus.org" for n in range(99)]))
    assert not drafts(generated_names, dns([f"{n}.1.168.192.in-addr.arpa" for n in range(99)]))


def test_quiet_on_mail_servers_questions() -> None:
    names = [random_domain(n) for n in range(60)]
    rows = [row for name in names for row in (q(name, 15), r(name, 15, rcode=3))]
    assert not drafts(generated_names, tables(dns=family("dns", *rows)))


def test_low_for_a_resolver() -> None:
    rows = [row for n in range(40) for row in (q(random_domain(n)), r(random_domain(n), rcode=3))]
    rows.append(r("www.example.com", src=wire.CLIENT, dst="10.0.0.9"))
    found = drafts(generated_names, tables(dns=family("dns", *rows)))
    assert found[0].priority == "low"
    assert found[0].lowered_because


def test_names_the_one_that_was_answered() -> None:
    rows = [row for n in range(12) for row in (q(random_domain(n)), r(random_domain(n), rcode=3))]
    rows += [q(random_domain(99)), r(random_domain(99), addresses=["203.0.113.66"])]
    found = drafts(generated_names, tables(dns=family("dns", *rows)))
    assert f"{random_domain(99)} (203.0.113.66)" in found[0].summary
    assert "203.0.113.66" in found[0].hosts


@pytest.mark.parametrize(
    "label", ["wikipedia", "stackoverflow", "microsoftonline", "deutschebank", "xn--bcher-kva", "google"]
)
def test_words_do_not_look_random(label: str) -> None:
    assert not looks_random(label)


@pytest.mark.parametrize("label", ["qzxkvbnmtr", "1a2b3c4d5e", "4920183746", "xjpakmcfuqetgh".replace("a", "z")])
def test_random_labels(label: str) -> None:
    assert looks_random(label)


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n in range(12):
        frames += [ask(n, n, random_domain(n)), tell(n + 0.1, n, random_domain(n), rcode=3)]
    frames += [
        ask(20, 50, "www.example.com"),
        tell(20.1, 50, "www.example.com", [wire.a("www.example.com", "192.0.2.1")]),
    ]
    frames += [ask(21, 51, "gone.example.com", 16), tell(21.1, 51, "gone.example.com", kind=16, rcode=3)]
    frames += [
        ask(22, 52, "no.example.com", client="10.0.0.6"),
        tell(22.1, 52, "no.example.com", rcode=3, client="10.0.0.6"),
    ]
    path = wire.write(tmp_path / "nx.pcap", frames)
    found = drafts(generated_names, loaded(path).tables)
    assert len(found[0].frames) == 12
    assert wire.exact(path, found[0])
