"""DNS004: many non-existent hosts of one domain; quiet on search lists, random probes and encoded names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.name_guessing import name_guessing

WORDS = [
    f"{a}{b}" for a in ("admin", "dev", "mail", "vpn", "test", "web") for b in ("", "1", "2", "-old", "-new", "-lab")
]


def dns(names: list[str]) -> Any:
    return tables(dns=family("dns", *[row for name in names for row in (q(name), r(name, rcode=3))]))


def test_fires_at_thirty_names() -> None:
    found = drafts(name_guessing, dns([f"{w}.example.com" for w in WORDS[:30]]))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.5 example.com", "medium")]
    assert not drafts(name_guessing, dns([f"{w}.example.com" for w in WORDS[:29]]))


def test_quiet_on_search_lists() -> None:
    assert not drafts(name_guessing, dns([f"{w}.example.org.corp.example.com" for w in WORDS]))


def test_quiet_on_random_probes() -> None:
    assert not drafts(
        name_guessing,
        dns([f"{'bcdfghjklm'[n % 10]}qzxkvbnmt{'bcdfghjk'[n % 8]}{n}.corp.example.com" for n in range(60)]),
    )


def test_quiet_where_most_names_exist() -> None:
    rows = [row for w in WORDS[:30] for row in (q(f"{w}.example.com"), r(f"{w}.example.com", rcode=3))]
    rows += [
        row
        for n in range(40)
        for row in (q(f"host{n}.example.com"), r(f"host{n}.example.com", addresses=["192.0.2.1"]))
    ]
    assert not drafts(name_guessing, tables(dns=family("dns", *rows)))


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n, word in enumerate(WORDS[:31]):
        frames += [ask(n, n, f"{word}.example.com"), tell(n + 0.1, n, f"{word}.example.com", rcode=3)]
    frames += [
        ask(50, 90, "www.example.com"),
        tell(50.1, 90, "www.example.com", [wire.a("www.example.com", "192.0.2.1")]),
    ]
    frames += [ask(51, 91, "x.notexample.com"), tell(51.1, 91, "x.notexample.com", rcode=3)]
    path = wire.write(tmp_path / "words.pcap", frames)
    found = drafts(name_guessing, loaded(path).tables)
    assert len(found[0].frames) == 31
    assert "www.example.com (192.0.2.1)" in found[0].summary
    assert wire.exact(path, found[0])
