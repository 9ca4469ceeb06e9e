"""What explains best: failures before slowness, the costliest first."""

from __future__ import annotations

from typing import Any

import pytest

from tshark_report.compare.causes import failing_alone, failures, reverse, slowness
from tshark_report.compare.measures import Measures
from tshark_report.compare.model import Cause
from tshark_report.compare.pairs import Pair

KEY = ("a.example", "tcp/443")
BASE: dict[str, Any] = {"sessions": 10, "answered": 10, "packets": 1000, "transport": "tcp", "port": 443,
                        "servers": ["192.0.2.1"], "answers": 10, "seconds": 1.0}  # fmt: skip
LABEL = ("good", "bad")
NONE: tuple[dict[str, Any], dict[str, Any]] = ({}, {})


def slow(good: dict[str, Any], bad: dict[str, Any]) -> list[Cause]:
    return slowness([Pair(Measures(KEY, **BASE | good), Measures(KEY, **BASE | bad))], NONE, LABEL)


def failed(good: dict[str, Any], bad: dict[str, Any]) -> list[Cause]:
    return failures([Pair(Measures(KEY, **BASE | good), Measures(KEY, **BASE | bad))], NONE, NONE, LABEL)


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ({"think": 0.01}, {"think": 1.0}, "The server is slower"),
        ({"rtt": 0.01}, {"rtt": 0.2}, "The way is longer"),
        ({"rtt": 0.01, "ttl_server": 55}, {"rtt": 0.2, "ttl_server": 48}, "arrived with TTL 48 instead of 55"),
        ({}, {"resent": 9}, "The wire loses packets: 9 of 1,000 packets"),
        ({}, {"syn_again": 2}, "Connections start late: 2 SYNs"),
        ({}, {"zero_windows": 3}, "A receiver is full: 3 zero windows"),
        ({"rate": 2e6}, {"rate": 1e5}, "The wire is slower: long answers"),
    ],
)
def test_each_kind(good: dict[str, Any], bad: dict[str, Any], words: str) -> None:
    made = slow(good, bad)
    assert len(made) == 1
    assert words in made[0].sentence
    assert slow(bad, good) == []


def test_the_costliest_comes_first() -> None:
    made = slow({"think": 0.01, "rtt": 0.01}, {"think": 5.0, "rtt": 0.2})
    assert [c.area for c in made] == ["server", "path"]
    made = slow({"think": 0.01, "rtt": 0.01}, {"think": 0.1, "rtt": 2.0})
    assert [c.area for c in made] == ["path", "server"]


def test_heavy_loss_comes_before_a_server_that_only_seems_slow() -> None:
    made = slow({"think": 0.01}, {"think": 0.5, "resent": 120, "seconds": 30.0})
    assert [c.area for c in made] == ["wire", "server"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"answered": 0, "refused": 10}, "10 connections of 10 refused"),
        ({"answered": 4, "unanswered": 6}, "6 of 10 connections without any answer"),
        ({"answered": 0, "transport": "udp"}, "10 of 10 exchanges without an answer"),
    ],
)
def test_connections(bad: dict[str, Any], words: str) -> None:
    [made] = failed({}, bad)
    assert made.area == "connection"
    assert words in made.sentence
    assert failed(bad, {}) == []


def test_encryption() -> None:
    [alert] = failed({"hellos": 3, "server_hellos": 3, "tls_version": "TLS 1.3"},
                     {"hellos": 3, "server_hellos": 1, "alerts": ["protocol version"], "tls_version": "TLS 1.2"})  # fmt: skip
    assert "alert protocol version in bad" in alert.sentence
    assert "TLS 1.3 in good, TLS 1.2 in bad" in alert.sentence
    [silent] = failed({"hellos": 3, "server_hellos": 3}, {"hellos": 3, "server_hellos": 0})
    assert silent.sentence.startswith("The TLS handshake is not answered")


def test_what_only_the_second_holds_and_fails() -> None:
    dead = Measures(KEY, **BASE | {"answered": 0})
    assert [c.exchange for c in failing_alone([dead, Measures(KEY, **BASE)], LABEL)] == ["a.example tcp/443"]


def test_the_reverse_keeps_the_sentence() -> None:
    cause = Cause(area="server", exchange="x", sentence="The server is slower: x.")
    assert reverse([cause], LABEL).endswith("it is good that does worse: the server is slower: x.")
