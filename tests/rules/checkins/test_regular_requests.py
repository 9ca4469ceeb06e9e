"""CHK002: one request at an interval, also inside one connection; quiet on pages, agents and people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import START, drafts, family, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.regular_requests import regular_requests


def made(moments: Any, **columns: Any) -> Any:
    base = {
        "method": "POST",
        "uri": "/gate.php",
        "host": wire.OUTSIDE,
        "dst": wire.OUTSIDE,
        "dst_port": 80,
        "content_length": 40,
    }
    return tables(http=family("http", *(base | {"time": START + at} | columns for at in moments)))


def test_fires_at_six_even_contacts() -> None:
    found = drafts(regular_requests, made(wire.every(30, 6)))
    assert found[0].priority == "high"
    assert "POST /gate.php" in found[0].summary
    assert "regular interval of 30.0 s" in found[0].summary
    assert len(found[0].frames) == 6


def test_quiet_at_five_contacts() -> None:
    assert not drafts(regular_requests, made(wire.every(30, 5)))


def test_ten_contacts_may_have_jitter() -> None:
    gaps = [33, 61, 47, 38, 58, 52, 35, 64, 44, 40]
    moments = [sum(gaps[:n]) for n in range(10)]
    assert drafts(regular_requests, made(moments))
    assert not drafts(regular_requests, made(moments[:9]))


def test_an_answer_fetched_at_once_is_the_same_contact() -> None:
    moments = sorted([*wire.every(30, 12), *wire.every(30, 12, 0.03)])
    found = drafts(regular_requests, made(moments))
    assert "in 12 contacts" in found[0].summary
    assert len(found[0].frames) == 24


def test_quiet_on_a_person() -> None:
    assert not drafts(regular_requests, made(wire.UNEVEN))


def test_quiet_on_parts_of_a_page() -> None:
    assert not drafts(regular_requests, made(wire.every(0.1, 200)))


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        ({"host": "shop.example", "method": "GET", "uri": "/feed"}, "low"),
        ({"host": "shop.example"}, "medium"),
        ({"host": "shop.example", "referer": "http://shop.example/"}, "low"),
        ({"host": "a.events.data.microsoft.com"}, "info"),
        ({"host": "shop.example", "uri": "/write?db=telegraf"}, "info"),
        ({"host": "10.0.0.80:8888", "dst": wire.INSIDE, "dst_port": 8888}, "medium"),
        ({"host": "app.inside.example", "dst": wire.INSIDE, "dst_port": 8888}, "low"),
        ({"method": "GET"}, "medium"),
    ],
)
def test_priority_depends_on_what_else_is_known(columns: dict[str, Any], priority: str) -> None:
    found = drafts(regular_requests, made(wire.every(30, 12), **columns))
    assert found[0].priority == priority
    assert ("beacon" in found[0].summary) == (priority in ("high", "medium"))


def test_a_browsers_name_without_a_page_counts_from_twenty_contacts() -> None:
    columns = {
        "method": "GET",
        "host": "cdn.shop.example",
        "uri": "/pixel.gif",
        "user_agent": "Mozilla/5.0 (Windows NT 10.0)",
    }
    assert drafts(regular_requests, made(wire.every(30, 20), **columns))[0].priority == "medium"
    assert drafts(regular_requests, made(wire.every(30, 19), **columns))[0].priority == "low"
    assert (
        drafts(regular_requests, made(wire.every(30, 20), **(columns | {"user_agent": "feed/1.0"})))[0].priority
        == "low"
    )


def test_posts_to_ever_new_paths_are_one_finding() -> None:
    rows = [
        {
            "method": "POST",
            "uri": f"/{n}/x",
            "host": wire.OUTSIDE,
            "dst": wire.OUTSIDE,
            "dst_port": 80,
            "time": START + 20 * n,
        }
        for n in range(12)
    ]
    found = drafts(regular_requests, tables(http=family("http", *rows)))
    assert len(found) == 1
    assert "POST to 12 paths" in found[0].summary


def test_filter_selects_the_requests(loaded: wire.Read, tmp_path: Path) -> None:
    told = [
        m
        for n in range(8)
        for m in (
            (n * 20 + 0.1, ">", wire.request("POST", '/a,b?x="1"', wire.OUTSIDE, b"id=1")),
            (n * 20 + 0.2, "<", wire.OK),
        )
    ]
    near = [(3.0, ">", wire.request("GET", "/a,b", wire.OUTSIDE)), (3.1, "<", wire.OK)]
    capture = wire.write(
        tmp_path / "a.pcap", wire.tcp(0, told, port=8080), wire.tcp(1, near, port=8080, client_port=50000)
    )
    found = wire.exact(regular_requests, loaded, capture)
    assert len(found) == 1
    assert len(found[0].frames) == 8
    assert "all inside one connection" in found[0].summary


def test_own_capture(loaded: wire.Read) -> None:
    found = wire.exact(regular_requests, loaded, fixture_capture("staged_incident"))
    assert [(d.hosts, d.priority) for d in found] == [(("10.20.0.21", "192.0.2.88"), "high")]


@pytest.mark.shared
def test_published_capture(loaded: wire.Read) -> None:
    found = wire.exact(regular_requests, loaded, case_capture("caldera_sandcat"))
    assert found[0].priority == "medium"
    assert "POST /beacon" in found[0].summary
    assert "Go-http-client/1.1" in found[0].summary


BORROWED = {"host": wire.OUTSIDE, "method": "GET", "uri": "/jquery-3.3.1.min.js", "referer": "http://code.example.org/"}


def test_a_referer_counts_only_where_its_page_was_asked_for() -> None:
    contacts = made(wire.every(30, 25), **BORROWED)
    assert drafts(regular_requests, contacts)[0].priority == "medium"
    looked_up = family("dns", {"src": wire.CLIENT, "response": False, "name": "code.example.org"})
    assert drafts(regular_requests, tables(http=contacts.http, dns=looked_up))[0].priority == "low"
    greeted = family("tls", {"src": wire.CLIENT, "server_name": "code.example.org"})
    assert drafts(regular_requests, tables(http=contacts.http, tls=greeted))[0].priority == "low"
    own = made(wire.every(30, 25), **(BORROWED | {"referer": f"http://{wire.OUTSIDE}/page"}))
    assert drafts(regular_requests, own)[0].priority == "low"
    broken = made(wire.every(30, 25), **(BORROWED | {"referer": "http://[::1"}))
    assert drafts(regular_requests, broken)[0].priority == "low"


def long_paths(number: int, length: int, **columns: Any) -> Any:
    base = {"method": "GET", "host": "news.example.com", "dst": wire.OUTSIDE, "dst_port": 80}
    rows = [
        base | {"time": START + at, "uri": f"/drew/{n:04d}{'aZ' * length}"[:length]} | columns
        for n, at in enumerate(wire.every(180, number))
    ]
    return tables(http=family("http", *rows))


def test_gets_whose_long_path_is_new_each_time_are_one_contact() -> None:
    found = drafts(regular_requests, long_paths(9, 80))
    assert found[0].priority == "medium"
    assert "GET to 9 paths" in found[0].summary
    assert not drafts(regular_requests, long_paths(9, 79))
    assert not drafts(regular_requests, long_paths(9, 120, referer="http://news.example.com/"))
