"""OUT001: a POST to an address without a name; quiet inside, on names and on forms of a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.bare_address_posts import bare_address_posts


def made(*rows: dict[str, Any]) -> Any:
    base = {
        "method": "POST",
        "uri": "/x",
        "host": f"{wire.OUTSIDE}:7080",
        "dst": wire.OUTSIDE,
        "dst_port": 7080,
        "content_length": 928,
    }
    return tables(http=family("http", *(base | row for row in rows)))


def test_one_post_is_medium() -> None:
    found = drafts(bare_address_posts, made({}))
    assert found[0].priority == "medium"
    assert "POST request to the bare address 203.0.113.9 port 7080, a port where HTTP is unusual" in found[0].summary


def test_a_put_is_called_a_put() -> None:
    found = drafts(bare_address_posts, made({"method": "PUT"}))
    assert "1 HTTP PUT request to the bare address" in found[0].summary
    assert "posted" not in found[0].sentence


def test_a_body_of_100_kb_is_an_upload() -> None:
    assert "an upload" in drafts(bare_address_posts, made({"content_length": 100_000}))[0].summary
    assert "an upload" not in drafts(bare_address_posts, made({"content_length": 99_999}))[0].summary


@pytest.mark.parametrize(
    "row",
    [
        {"host": "www.shop.example"},
        {"dst": wire.INSIDE, "host": wire.INSIDE},
        {"content_length": 0},
        {"method": "GET"},
        {"protocol": "SSDP"},
    ],
)
def test_quiet_on_names_inside_and_what_carries_nothing(row: dict[str, Any]) -> None:
    assert not drafts(bare_address_posts, made(row))


def test_a_form_of_a_page_is_low() -> None:
    page = {"method": "GET", "uri": "/", "content_length": None}
    found = drafts(bare_address_posts, made(page, {"referer": f"http://{wire.OUTSIDE}:7080/"}))
    assert found[0].priority == "low"


def test_a_refusal_with_hardly_an_answer_is_low() -> None:
    def told(back: int) -> str:
        rows = wire.session(0, 0, port=7080, up=[(0.1, 1000)], down=[(0.2, back)])
        answer = {"src": wire.OUTSIDE, "dst": wire.CLIENT, "status": 405, "method": None, "uri": None, "host": None}
        made_ = tables(http=made({}, answer).http, packets=packets(*rows))
        return drafts(bare_address_posts, made_)[0].priority

    assert told(999) == "low"
    assert told(1000) == "medium"


def test_regular_posts_are_told_elsewhere() -> None:
    rows = [{"time": 1_700_000_000.0 + at} for at in wire.every(30, 12)]
    assert not drafts(bare_address_posts, made(*rows))


def test_filter_selects_the_posts(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [
        (0.1, ">", wire.request("POST", "/x", wire.OUTSIDE, b"a" * 40)),
        (0.2, "<", wire.OK),
        (0.3, ">", wire.request("GET", "/y", wire.OUTSIDE)),
    ]
    near = wire.tcp(
        1,
        [(0.1, ">", wire.request("POST", "/x", "www.shop.example", b"a"))],
        server=wire.OTHER,
        port=80,
        client_port=50000,
    )
    found = wire.exact(bare_address_posts, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, talk, port=7080), near))
    assert len(found) == 1
    assert len(found[0].frames) == 1


def test_own_capture(loaded: wire.Read) -> None:
    found = wire.exact(bare_address_posts, loaded, fixture_capture("staged_incident"))
    assert [d.hosts for d in found] == [("10.20.0.21", "203.0.113.200")]
    assert "300,004 bytes" in found[0].summary


@pytest.mark.shared
def test_published_capture(loaded: wire.Read) -> None:
    found = wire.exact(bare_address_posts, loaded, case_capture("ndpi_trickbot"))
    assert found[0].priority == "medium"
    assert "82.118.225.196 port 7080" in found[0].summary
