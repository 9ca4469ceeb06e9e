"""DEL006: from a page over links and redirects to a download that stands out, and to the first POST elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import case_capture, fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.download_chain import download_chain

SITE, OBJECT = "www.florist.example", {"uri": "/i/logo.gif", "host": wire.OUTSIDE, "kind": "image/gif"}
PAGE = {"uri": "/", "host": SITE, "server": wire.OTHER, "body": wire.PAGE, "kind": "text/html"}
POST = {
    "method": "POST",
    "uri": "/gate.php",
    "host": "192.0.2.88",
    "server": "192.0.2.88",
    "port": 8080,
    "body": b"ok",
    "sent_length": 115,
}


def _found(*steps: dict[str, Any]) -> list[Any]:
    return b.drafts(download_chain, wire.downloads(*steps))


def test_a_link_to_another_host() -> None:
    found = _found(PAGE, OBJECT | {"referer": f"http://{SITE}/"})
    assert len(found) == 1
    assert found[0].priority == "high"
    assert (
        f"10.0.0.5 went {SITE}/ (22:13:20, link on) -> 203.0.113.9/i/logo.gif (22:13:30), which brought executable"
        in found[0].summary
    )


def test_a_redirect_absolute_and_relative() -> None:
    moved = PAGE | {
        "uri": "/go?id=7",
        "status": 302,
        "location": f"http://{wire.OUTSIDE}/i/logo.gif",
        "referer": f"http://{SITE}/",
    }
    found = _found(PAGE, moved, OBJECT)
    assert "/go?id=7 (22:13:30, redirect on, status 302) -> 203.0.113.9/i/logo.gif" in found[0].summary
    moved = {
        "uri": "/a",
        "host": wire.OUTSIDE,
        "status": 302,
        "body": wire.PAGE,
        "location": "/i/logo.gif",
        "referer": f"http://{SITE}/",
    }
    assert "203.0.113.9/a (22:13:30, redirect on, status 302)" in _found(PAGE, moved, OBJECT)[0].summary


@pytest.mark.parametrize(("seconds", "fires"), [(600.0, True), (600.5, False)])
def test_a_link_within_minutes(seconds: float, fires: bool) -> None:
    found = _found(PAGE, OBJECT | {"at": seconds, "referer": f"http://{SITE}/"})
    # A page that was read too long before is still told by its Referer, but nothing joins the two hosts.
    assert bool(found) is fires


@pytest.mark.parametrize(("seconds", "fires"), [(30.0, True), (30.5, False)])
def test_a_redirect_at_once(seconds: float, fires: bool) -> None:
    moved = PAGE | {"status": 302, "location": f"http://{wire.OUTSIDE}/i/logo.gif"}
    assert bool(_found(moved, OBJECT | {"at": seconds})) is fires


def test_a_page_outside_the_capture() -> None:
    found = _found(OBJECT | {"referer": "https://search.example/q"})
    assert "a page outside this capture (https://search.example/q) -> 203.0.113.9/i/logo.gif" in found[0].summary


def test_the_first_post_to_a_host_never_spoken_to() -> None:
    found = _found(PAGE, OBJECT | {"referer": f"http://{SITE}/"}, POST)
    assert (
        "9.5 s later came the first POST to a server it had not spoken to before: 192.0.2.88:8080/gate.php"
        in found[0].summary
    )
    assert "with 115 bytes" in found[0].summary
    known = _found(POST | {"method": "GET"}, PAGE, OBJECT | {"referer": f"http://{SITE}/"}, POST)
    assert "first POST" not in known[0].summary


@pytest.mark.parametrize(("seconds", "fires"), [(610.5, True), (611.0, False)])
def test_a_post_within_minutes(seconds: float, fires: bool) -> None:
    found = _found(PAGE, OBJECT | {"referer": f"http://{SITE}/"}, POST | {"at": seconds})
    assert ("first POST" in found[0].summary) is fires


def test_a_post_to_the_same_server() -> None:
    found = _found(
        OBJECT | {"referer": f"http://{wire.OUTSIDE}/"}, POST | {"server": wire.OUTSIDE, "host": wire.OUTSIDE}
    )
    assert not found
    found = _found({"uri": "/", "host": wire.OUTSIDE, "body": wire.PAGE}, OBJECT | {"referer": f"http://{wire.OUTSIDE}/"},
                   POST | {"server": wire.OUTSIDE, "host": wire.OUTSIDE})  # fmt: skip
    assert "first POST to the same server" in found[0].summary


def test_quiet_without_a_chain_or_without_an_odd_download() -> None:
    assert not _found(OBJECT)
    assert not _found(PAGE, {"uri": "/setup.exe", "referer": f"http://{SITE}/"})
    assert not _found(
        {"uri": "/", "host": wire.OUTSIDE, "body": wire.PAGE}, OBJECT | {"referer": f"http://{wire.OUTSIDE}/"}
    )


def test_quiet_on_nothing_but_answers() -> None:
    assert not b.drafts(download_chain, b.tables(http=b.family("http", {"status": 200})))


def test_a_malformed_location_joins_nothing() -> None:
    assert not _found(PAGE | {"status": 302, "location": "http://[::1/x"}, OBJECT)


FLASH = {
    "uri": "/?s=1",
    "host": "rd.kit.example",
    "server": "198.51.100.3",
    "body": b"CWS" + wire.noise(900),
    "kind": "application/x-shockwave-flash",
}
LANDING = {
    "uri": "/?q=a",
    "host": "rd.kit.example",
    "server": "198.51.100.3",
    "body": wire.PAGE,
    "kind": "text/html",
    "referer": f"http://{SITE}/",
}
PAYLOAD = {
    "uri": "/?p=2",
    "host": "rd.kit.example",
    "server": "198.51.100.3",
    "body": wire.noise(9000),
    "kind": "application/x-msdownload",
}


def test_a_plug_in_object_and_a_payload_that_a_page_led_to() -> None:
    found = _found(PAGE, LANDING, FLASH | {"referer": "http://rd.kit.example/?q=a"}, PAYLOAD)
    assert [(d.priority, d.confidence) for d in found] == [("high", "medium")]
    assert (
        "9,000 bytes declared as application/x-msdownload, after a plug-in object (application/x-shockwave-flash)"
        in found[0].summary
    )
    found = _found(PAGE, FLASH | {"referer": f"http://{SITE}/"}, PAYLOAD)
    assert [d.priority for d in found] == ["medium"]


@pytest.mark.parametrize(
    "last",
    [
        PAYLOAD | {"uri": "/film.flv"},
        PAYLOAD | {"kind": "video/mp4"},
        PAYLOAD | {"body": wire.noise(4999)},
        PAYLOAD | {"at": 141.0},
        PAYLOAD | {"host": "static.example", "server": "198.51.100.4"},
    ],
)
def test_quiet_on_films_and_small_data(last: dict[str, Any]) -> None:
    assert not _found(PAGE, LANDING, FLASH, last)


def test_quiet_where_no_other_site_led_to_the_plug_in() -> None:
    assert not _found(LANDING | {"referer": None}, FLASH, PAYLOAD)


def test_one_finding_for_a_client_and_a_server() -> None:
    led = {"referer": f"http://{SITE}/"}
    assert len(_found(PAGE, OBJECT | led, OBJECT | led | {"uri": "/b.gif"})) == 1


def test_on_the_wire(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/", SITE, wire.PAGE, "text/html", server=wire.OTHER)
    frames += wire.fetched(
        4, "/a.gif", wire.OUTSIDE, wire.pe(), "image/gif", client_port=40001, Referer=f"http://{SITE}/"
    )
    frames += wire.fetched(
        9, "/gate", "192.0.2.88", b"ok", server="192.0.2.88", client_port=40002, method="POST", sent=b"x" * 50
    )
    calm = wire.fetched(
        2, "/story", SITE, wire.PAGE, "text/html", server=wire.OTHER, client_port=40003, Referer=f"http://{SITE}/"
    )
    found = wire.exact(download_chain, loaded, wire.write(tmp_path / "a.pcap", frames, calm))
    assert found[0].display_filter == "tcp.stream == 0 || tcp.stream == 2 || tcp.stream == 3"


def test_the_incident(loaded) -> None:
    found = wire.exact(download_chain, loaded, fixture_capture("staged_incident"))
    assert len(found) == 1
    for word in (
        "www.search.example/find",
        "www.toyshop.example/go?id=77",
        "redirect on, status 302",
        "/i/logo.gif",
        "192.0.2.88:8080/gate.php",
    ):
        assert word in found[0].summary
    assert found[0].evidence.total_rows == 6


@pytest.mark.shared
@pytest.mark.parametrize("name", ["zeek_wikipedia", "ndpi_exe_download", "mal_log4shell"])
def test_quiet_on_published_captures(loaded, name: str) -> None:
    assert not b.drafts(download_chain, loaded(case_capture(name)).tables)
