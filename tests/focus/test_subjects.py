"""Whom an indicator leads to."""

from __future__ import annotations

import polars as pl
import pytest

from tests.builders import CLIENT, OUTSIDE, SERVER, packets, tables
from tshark_report.focus.conversations import Conversations
from tshark_report.focus.lookup import Hit
from tshark_report.focus.subjects import subjects
from tshark_report.settings import Settings

OUTSIDE_TOO = "198.51.100.7"


@pytest.mark.parametrize(
    ("client", "server", "target", "subject"),
    [
        (CLIENT, OUTSIDE, OUTSIDE, CLIENT),  # a server outside: who reached it
        (OUTSIDE, SERVER, OUTSIDE, SERVER),  # somebody outside: whom it reached
        (CLIENT, OUTSIDE, CLIENT, CLIENT),  # a home client: itself
        (OUTSIDE, SERVER, SERVER, SERVER),  # a home server reached from outside: itself
        (CLIENT, SERVER, SERVER, CLIENT),  # a home server: its clients
        (OUTSIDE, OUTSIDE_TOO, OUTSIDE, OUTSIDE_TOO),
        (OUTSIDE, OUTSIDE_TOO, OUTSIDE_TOO, OUTSIDE),
        (CLIENT, OUTSIDE, None, CLIENT),
        (OUTSIDE, SERVER, None, SERVER),
        (CLIENT, "224.0.0.251", "224.0.0.251", CLIENT),
    ],
)
def test_side(client: str, server: str, target: str | None, subject: str) -> None:
    made = Conversations(tables(packets=packets({"src": client, "dst": server, "flags": 2})))
    hit = _hit([0], target)
    led = subjects([hit], made, Settings(), 4)
    assert [s.host for s in led.scopes] == [subject]
    assert led.hosts == [[subject]]


def _hit(numbers: list[int], target: str | None = None, kind: str = "address", frames: list[int] | None = None) -> Hit:
    targets = frozenset({target}) if target else frozenset()
    found = pl.Series(frames or [1], dtype=pl.UInt32)
    return Hit(kind, "x", "--focus", "", found, ("packets",), "", targets, pl.Series(numbers, dtype=pl.UInt32))


def test_who_exchanged_most_is_first_and_the_rest_is_cut() -> None:
    rows = [{"stream": n, "src": f"10.0.0.{n + 1}", "flags": 2, "payload": n * 10} for n in range(6)]
    made = Conversations(tables(packets=packets(*rows)))
    led = subjects([_hit(list(range(6)), OUTSIDE)], made, Settings(), 2)
    assert [s.host for s in led.scopes] == ["10.0.0.6", "10.0.0.5"]
    assert len(led.hosts[0]) == led.total == 6


def test_a_moment_does_not_take_the_whole_of_a_connection() -> None:
    made = Conversations(tables(packets=packets({}, {}, {})))
    assert subjects([_hit([0], kind="moment", frames=[2])], made, Settings(), 4).scopes[0].frames.to_list() == [2]
    assert subjects([_hit([0])], made, Settings(), 4).scopes[0].frames.to_list() == [1, 2, 3]


def test_nothing() -> None:
    made = Conversations(tables())
    assert subjects([], made, Settings(), 4).scopes == []
    assert subjects([_hit([])], made, Settings(), 4).hosts == [[]]
