"""Measures held side by side: what differs and what does not, at the edge."""

from __future__ import annotations

import pytest

from tshark_report.compare.differences import differences, larger, slower
from tshark_report.compare.measures import Measures
from tshark_report.compare.pairs import Pair

KEY = ("a.example", "tcp/443")
BASE = {"sessions": 10, "answered": 10, "packets": 1000, "clients": ["10.0.0.5"], "servers": ["192.0.2.1"],
        "transport": "tcp", "port": 443}  # fmt: skip


def found(good: dict, bad: dict) -> dict[str, tuple[str, str, bool]]:
    pair = Pair(Measures(KEY, **BASE | good), Measures(KEY, **BASE | bad))
    return {d.aspect: (d.good, d.bad, d.telling) for d in differences(pair)}


@pytest.mark.parametrize(
    ("good", "bad", "aspect", "telling"),
    [
        ({"rtt": 0.010}, {"rtt": 0.100}, "round trip of the handshake", True),
        ({"rtt": 0.100}, {"rtt": 0.010}, "round trip of the handshake", False),
        ({"rtt": 0.001}, {"rtt": 0.009}, None, False),
        ({"think": 0.010}, {"think": 1.0}, "server's time for an answer, median", True),
        ({"answer_bytes": 500.0}, {"answer_bytes": 50_000.0}, "length of an answer", False),
        ({"ttl_server": 55}, {"ttl_server": 48}, "TTL of the server's packets", False),
        ({"mss_server": 1460}, {"mss_server": 1380}, "MSS of the server", False),
        ({"tls_version": "TLS 1.3"}, {"tls_version": "TLS 1.2"}, "TLS version", False),
        ({"window_server": 60_000.0}, {"window_server": 4_000.0}, "window of the server, median", False),
        ({"resent": 0}, {"resent": 9}, "packets sent again", True),
        ({"resent": 0}, {"resent": 2}, None, False),
        ({"zero_windows": 0}, {"zero_windows": 1}, "zero windows", True),
        ({"refused": 0}, {"refused": 4}, "refused connections", True),
        ({"syn_again": 0}, {"syn_again": 1}, "SYNs sent again", True),
        ({"alerts": []}, {"alerts": ["unknown CA"]}, "TLS alerts", True),
        ({"hellos": 3, "server_hellos": 3}, {"hellos": 3, "server_hellos": 0}, "TLS handshakes that the server answered", True),
        ({"mss_server": None}, {"mss_server": 1380}, None, False),
    ],
)  # fmt: skip
def test_each_measure(good: dict, bad: dict, aspect: str | None, telling: bool) -> None:
    made = found(good, bad)
    assert list(made) == ([aspect] if aspect else [])
    if aspect:
        assert made[aspect][2] is telling


def test_other_clients_are_not_held_against_each_other() -> None:
    assert found({"ttl_client": 64}, {"ttl_client": 128, "clients": ["10.9.9.9"]}) == {}
    assert set(found({"ttl_client": 64}, {"ttl_client": 128})) == {"TTL of the client's packets"}


def test_edges() -> None:
    assert not slower(0.02, 0.04)  # twice, but not more
    assert slower(0.02, 0.041)
    assert not slower(0.001, 0.02)  # many times, but within 20 ms
    assert not larger(100, 2000)
    assert larger(100, 2200)
