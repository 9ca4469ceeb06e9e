"""DNS018: complete names looked for below a search list; quiet on names that are simply wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.search_list_misses import search_list_misses

NXDOMAIN = 3


def looked(number: int, *, good: int = 1, name: str = "api.shop.example", suffix: str = ".corp.lan") -> Any:
    rows = []
    for n in range(number):
        rows += [q(name + suffix, id=n), r(name + suffix, id=n, rcode=NXDOMAIN)]
    for n in range(good):
        rows += [q("api.shop.example", id=500 + n), r("api.shop.example", addresses=["203.0.113.9"], id=500 + n)]
    return tables(dns=family("dns", *rows))


def test_twenty_misses_and_quiet_at_19() -> None:
    found = drafts(search_list_misses, looked(20))
    assert [(d.subject, d.priority) for d in found] == [(wire.CLIENT, "low")]
    assert "20 of 21 answers" in found[0].summary
    assert "(corp.lan)" in found[0].summary
    assert not drafts(search_list_misses, looked(19))


def test_three_in_ten_of_the_answers() -> None:
    assert drafts(search_list_misses, looked(30, good=70))
    assert not drafts(search_list_misses, looked(30, good=71))


def test_quiet_where_no_such_name_was_answered() -> None:
    assert not drafts(search_list_misses, looked(60, good=0))
    assert not drafts(search_list_misses, looked(60, name="wpad", suffix=".corp.lan"))
    assert not drafts(search_list_misses, looked(60, name="x.api.shop.example", suffix=".corp.lan"))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for n in range(22):
        name = "Api.shop.example" if n % 2 else "api.shop.example"
        frames += [ask(n, n, f"{name}.corp.lan"), tell(n + 0.1, n, f"{name}.corp.lan", rcode=3)]
        frames += [ask(n + 0.2, 50 + n, name), tell(n + 0.3, 50 + n, name, [wire.a(name, "203.0.113.9")])]
    frames += [ask(30, 99, "other.example"), tell(30.1, 99, "other.example", rcode=3)]
    path = wire.write(tmp_path / "search.pcap", frames)
    found = drafts(search_list_misses, loaded(path).tables)
    assert len(found[0].frames) == 22
    assert wire.exact(path, found[0])
