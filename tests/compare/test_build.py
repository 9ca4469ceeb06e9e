"""Whole comparisons: the first sentence names the cause."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests import builders as b
from tests.compare.talks import shop, side
from tests.conftest import fixture_capture
from tests.normal import office as o
from tshark_report.compare.build import compare, compared
from tshark_report.compare.model import Comparison
from tshark_report.reading import Request
from tshark_report.tables.tables import Tables

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def of(good: Tables, bad: Tables) -> Comparison:
    return compared(side("good", good), side("bad", bad), NOW)


def test_two_alike() -> None:
    made = of(shop(), shop())
    assert made.headline.startswith("Nothing tells bad from good")
    assert made.causes == []
    assert made.parting is None
    assert made.differences == []
    assert made.only_good == made.only_bad == []


def test_a_slower_server() -> None:
    made = of(shop(), shop(think=1.5))
    assert made.headline.startswith("The server is slower: www.shop.example tcp/443 took 1.50 s for an answer in bad")
    assert made.parting is not None
    assert (made.parting.area, made.parting.good_frame, made.parting.bad_frame) == ("server", 5, 5)
    assert made.lined_up is not None
    assert made.lined_up.bad is not None
    assert made.lined_up.bad.frames == [1, 2, 3, 4, 5, 6]
    assert "the wire (loss, order, speed)" in made.same
    assert "servers' time" not in made.same


def test_the_other_way_round_says_so() -> None:
    made = of(shop(think=1.5), shop())
    assert made.headline.startswith(
        "Nothing fails and nothing is slower in bad; it is good that does worse: the server"
    )


def test_an_answer_that_does_not_come() -> None:
    made = of(shop(), shop(answered=False))
    assert made.headline == (
        "The server cannot be reached: www.shop.example tcp/443 had 6 of 6 connections without any answer in bad, "
        "in good 6 of 6 were answered."
    )
    assert made.parting is not None
    assert made.parting.bad_frame == 1
    assert "nothing follows" in made.parting.words


def test_a_server_that_moved_is_named_with_both_addresses() -> None:
    gone = o.tables(
        *(o.session(n, server=o.BARE, at=n, answered=False) for n in range(3)), names={o.BARE: "www.shop.example"}
    )
    made = of(shop(), gone)
    assert f"at {o.BARE} instead of {o.SHOP}" in made.headline


def _lookup(**answer: object) -> Tables:
    dns = b.family("dns", {"name": "www.shop.example", "type": 1, "response": False, "src": o.PC, "dst": "10.0.0.1", "protocol": "DNS"},
                   {"name": "www.shop.example", "type": 1, "response": True, "src": "10.0.0.1", "dst": o.PC, "protocol": "DNS"} | answer)  # fmt: skip
    return o.tables(o.session(0), dns=dns)


def test_a_name_that_is_not_resolved_comes_before_all() -> None:
    made = of(_lookup(a=[o.SHOP], ttls=[60]), _lookup(rcode=3))
    assert made.headline.startswith("The name is not resolved: www.shop.example was answered with no such name in bad")
    assert made.parting is not None
    assert (made.parting.area, made.parting.bad_frame) == ("resolution", 2)


def _status(code: int) -> Tables:
    http = b.family("http", {"method": "GET", "host": "www.shop.example", "uri": "/cart?id=1", "stream": 0, "src": o.PC, "dst": o.SHOP, "frame": 4},
                    {"status": code, "request_frame": 4, "stream": 0, "src": o.SHOP, "dst": o.PC, "frame": 5})  # fmt: skip
    return o.tables(o.session(0, port=80), http=http)


def test_an_error_of_the_application() -> None:
    made = of(_status(200), _status(503))
    assert made.headline == (
        "The application answers with an error: GET www.shop.example/cart got status 503 in bad (1 time), in good 200."
    )
    assert made.parting is not None
    assert made.parting.bad_frame == 5


def _tls(alert: int | None) -> Tables:
    rows = [{"handshake": [1], "server_name": "www.shop.example", "stream": 0, "src": o.PC, "dst": o.SHOP},
            {"handshake": [2] if alert is None else [], "alert": alert, "version": 0x0303, "stream": 0}]  # fmt: skip
    return o.tables(o.session(0), tls=b.family("tls", *rows))


def test_a_tls_handshake_that_fails() -> None:
    made = of(_tls(None), _tls(40))
    assert made.headline.startswith(
        "The TLS handshake fails: www.shop.example tcp/443 ended with the alert handshake failure"
    )


def test_what_only_one_holds() -> None:
    made = of(shop(), shop(extra=[o.session(40, server=o.BARE, port=8080, at=99)]))
    assert made.headline == f"What both hold works alike; {o.BARE} tcp/8080 is in bad only."
    assert ("exchange", f"{o.BARE} tcp/8080") in [(x.kind, x.what) for x in made.only_bad]
    assert ("host", o.BARE) in [(x.kind, x.what) for x in made.only_bad]
    assert made.only_good == []


def test_nothing_in_common_is_said() -> None:
    made = of(shop(), o.tables(o.session(0, server=o.BARE, port=25)))
    assert made.headline.startswith("good and bad share nothing")
    assert any("No server" in remark for remark in made.remarks)


def test_captures_of_other_days_are_compared_by_durations() -> None:
    later = o.tables(*(o.session(n, at=9e5 + n) for n in range(6)), names={o.SHOP: "www.shop.example"})
    made = of(shop(), later)
    assert any("apart" in remark and "durations only" in remark for remark in made.remarks)


@pytest.mark.tshark
@pytest.mark.parametrize(
    ("good", "bad", "words", "area"),
    [
        ("fast_server", "slow_server", "The server is slower: orders.partner.example tcp/80 took 1.87 s", "server"),
        (
            "clean_wire",
            "lossy_wire",
            "The wire loses packets: 9 of 760 packets with files.partner.example tcp/80",
            "wire",
        ),
        ("clean_wire", "narrow_wire", "The wire is slower: long answers of files.partner.example tcp/80", "wire"),
    ],
)
def test_recorded_pairs(good: str, bad: str, words: str, area: str) -> None:
    made = compare(Request(fixture_capture(good)), fixture_capture(good), fixture_capture(bad))
    assert made.headline.startswith(words)
    assert made.parting is not None
    assert made.parting.area == area
    assert made.lined_up is not None
    assert made.parting.bad_frame in made.lined_up.bad.frames  # type: ignore[union-attr]
    if good == "clean_wire" and bad == "lossy_wire":
        # The first packet of the second capture that was sent again and that tshark calls so.
        assert made.parting.bad_frame == 112
