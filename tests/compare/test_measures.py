"""One exchange in one capture, measured."""

from __future__ import annotations

import polars as pl
import pytest

from tests import builders as b
from tests.compare.talks import shop, side
from tests.normal import office as o
from tshark_report.compare.measures import alert_name, measured, names_of, requests_of

KEY = ("www.shop.example", "tcp/443")


def test_an_exchange_is_a_name_and_a_service() -> None:
    made = measured(side("a", shop(4)))
    assert set(made) == {KEY}
    one = made[KEY]
    assert (one.sessions, one.answered, one.refused, one.packets, one.resent) == (4, 4, 0, 24, 0)
    assert one.rtt == pytest.approx(0.021, abs=1e-4)
    assert one.think == pytest.approx(0.01, abs=1e-3)
    assert (one.ttl_client, one.ttl_server) == (64, 60)
    assert one.display_filter == f"ip.addr == {o.SHOP} && tcp.port == 443"


def test_options_of_handshakes() -> None:
    syns = [{"frame": 1, "stream": 0, "answer": False, "mss": 1460, "scale": 7},
            {"frame": 2, "stream": 0, "answer": True, "mss": 1380, "scale": 2}]  # fmt: skip
    one = measured(side("a", shop(1), syns))[KEY]
    assert (one.mss_client, one.mss_server, one.scale_client, one.scale_server) == (1460, 1380, 7, 2)


@pytest.mark.parametrize(
    ("row", "version"),
    [({"version": 0x0303}, "TLS 1.2"), ({"version": 0x0303, "supported_version": "0x0304"}, "TLS 1.3"),
     ({"version": 0x0303, "supported_version": "772"}, "TLS 1.3"), ({"version": 0x9999}, "version 0x9999")],
)  # fmt: skip
def test_tls_versions(row: dict, version: str) -> None:
    tls = b.family("tls", {"handshake": [2], "stream": 0, "cipher": "0x1301"} | row)
    one = measured(side("a", o.tables(o.session(0), names={o.SHOP: "www.shop.example"}, tls=tls)))[KEY]
    assert (one.tls_version, one.cipher, one.server_hellos) == (version, "0x1301", 1)


def test_a_certificate_of_another_transport_is_not_taken_for_this_stream() -> None:
    """Streams of TCP and UDP are numbered apart; both begin with 0."""
    made = shop(1)
    rows = {"stream": [0, 0], "transport": ["udp", "tcp"], "issuer": ["CN=Of the tunnel", "CN=Of the shop"]}
    made.__dict__["certificates"] = pl.DataFrame(rows, schema_overrides={"stream": pl.UInt32})
    assert measured(side("a", made))[KEY].issuer == "CN=Of the shop"


def test_the_time_for_a_name_is_the_median_of_its_answers() -> None:
    answer = {"name": "a.example", "type": 1, "response": True, "protocol": "DNS", "a": ["192.0.2.1"]}
    dns = b.family("dns", *(answer | {"answer_seconds": s, "ttls": ttls} for s, ttls in ((0.5, [60, 20]), (0.1, None))))
    one = names_of(side("a", o.tables(o.session(0), dns=dns)))["a.example"]
    assert one.seconds == pytest.approx(0.3)
    assert one.ttl == 20


def test_when_a_frame_was_captured() -> None:
    one = side("a", o.tables(o.session(0)))
    assert one.time_of(2) == "2023-11-14T22:13:20.020000Z"
    assert [one.time_of(frame) for frame in (None, 0, 7, 10**9)] == [None] * 4


def test_names() -> None:
    dns = b.family("dns", {"name": "A.example", "type": 1, "response": False, "protocol": "DNS"},
                   {"name": "a.example", "type": 1, "response": True, "protocol": "DNS", "a": ["192.0.2.1"], "ttls": [30, 300],
                    "answer_seconds": 0.2},
                   {"name": "b.example", "type": 1, "response": True, "rcode": 2, "protocol": "DNS"},
                   {"name": "c.example", "type": 16, "response": False, "protocol": "DNS"})  # fmt: skip
    made = names_of(side("a", o.tables(o.session(0), dns=dns)))
    assert set(made) == {"a.example", "b.example"}
    assert (made["a.example"].ttl, made["a.example"].seconds, made["a.example"].addresses) == (30, 0.2, ["192.0.2.1"])
    assert dict(made["b.example"].failures) == {"server failure": 1}
    assert made["b.example"].failure_frame == 3


def test_a_request_whose_answer_could_not_be_put_together_was_answered() -> None:
    """Loss may keep the dissector from finding the answer; the server's payload behind the request shows it."""
    request = {"method": "GET", "host": "www.shop.example", "uri": "/x?y=1", "stream": 0, "src": o.PC, "dst": o.SHOP}
    answered = requests_of(side("a", o.tables(o.session(0), http=b.family("http", request | {"frame": 4}))))
    silent = requests_of(side("a", o.tables(o.session(0), http=b.family("http", request | {"frame": 6}))))
    assert [x.unanswered for x in answered.values()] == [0]
    assert [x.unanswered for x in silent.values()] == [1]
    assert list(answered) == ["GET www.shop.example/x"]


def test_alerts() -> None:
    assert alert_name(48) == "unknown CA"
    assert alert_name(199) == "alert 199"


def test_nothing() -> None:
    empty = side("a", b.tables())
    assert measured(empty) == {}
    assert names_of(empty) == {}
    assert requests_of(empty) == {}
