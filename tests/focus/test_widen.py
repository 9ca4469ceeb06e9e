"""From the match outwards."""

from __future__ import annotations

from typing import Any

import polars as pl

from tests.builders import CLIENT, OUTSIDE, SERVER, START, family, packets, tables
from tshark_report.focus.conversations import Conversations
from tshark_report.focus.widen import (
    Scope,
    around,
    conversation_table,
    everything,
)
from tshark_report.tables.tables import Tables

OTHER, PAGE = "10.0.0.6", "198.51.100.7"


def _scope(made: Tables, *numbers: int) -> tuple[Scope, Conversations]:
    conversations = Conversations(made)
    chosen = pl.Series(numbers, dtype=pl.UInt32)
    return Scope(CLIENT, chosen, conversations.chosen(chosen), conversations.frames_of(chosen)), conversations


def _browsing() -> Tables:
    """DNS, a page, the request to the address in focus, then something else; a second host later."""
    rows: list[dict[str, Any]] = [
        {"transport": "udp", "stream": 0, "dst": SERVER, "dst_port": 53, "protocol": "DNS", "time": START - 300},
        {"transport": "udp", "stream": 1, "dst": SERVER, "dst_port": 53, "protocol": "DNS", "time": START - 2},
        {"stream": 0, "dst": PAGE, "dst_port": 80, "protocol": "HTTP", "payload": 100, "time": START - 1},
        {"stream": 1, "dst": OUTSIDE, "dst_port": 8080, "protocol": "HTTP", "payload": 100, "time": START},
        {"stream": 2, "dst": "203.0.113.50", "dst_port": 4444, "protocol": "TCP", "payload": 50, "time": START + 5},
        {"stream": 3, "dst": "203.0.113.51", "dst_port": 4444, "protocol": "TCP", "payload": 50, "time": START + 500},
        {
            "stream": 4,
            "src": OTHER,
            "dst": "203.0.113.60",
            "dst_port": 8080,
            "protocol": "HTTP",
            "payload": 100,
            "time": START + 900,
        },
        {
            "transport": "udp",
            "stream": 9,
            "dst": "10.0.0.255",
            "dst_port": 138,
            "protocol": "BROWSER",
            "time": START - 1.5,
        },
    ]
    http = {"method": "GET", "user_agent": "Own/1", "stream": 1}
    return tables(
        packets=packets(*rows),
        dns=family("dns", {"frame": 1, "name": "old.example", "response": False, "dst": SERVER, "time": START - 300},
                   {"frame": 2, "name": "bad.example", "response": False, "dst": SERVER, "time": START - 2}),
        http=family("http", http | {"frame": 3, "host": "page.example", "uri": "/p.html", "dst": PAGE, "time": START - 1, "user_agent": "Browser/9"},
                    http | {"frame": 4, "host": "bad.example", "uri": "/gate", "referer": "http://page.example/p.html", "time": START},
                    http | {"frame": 7, "host": "more.example", "uri": "/gate", "src": OTHER, "dst": "203.0.113.60", "time": START + 900}),
    )  # fmt: skip


def test_around_tells_what_led_there_and_what_came_next() -> None:
    scope, conversations = _scope(_browsing(), 3)
    assert scope.peers == {OUTSIDE}
    found = around(scope, conversations.tables, conversations, 60.0)
    whats = [event.what for _, event, _ in found]
    assert whats == ["DNS bad.example", "GET page.example/p.html", "TCP tcp/4444"]
    leads = {event.what: why for _, event, why in found}
    assert leads["DNS bad.example"] == "resolved the name"
    assert "referer" in leads["GET page.example/p.html"]
    assert leads["TCP tcp/4444"] == ""
    assert [round(offset) for offset, _, _ in found] == [-2, -1, 5]


def test_everything_by_peer() -> None:
    scope, conversations = _scope(_browsing(), 3)
    made, sentence = everything(scope, conversations, {OUTSIDE: "bad.example"})
    assert sentence == "In the whole capture it exchanged packets with 6 addresses."
    marked = [row[0] for row in made.rows if row[-1] == "yes"]
    assert marked == [OUTSIDE]
    assert made.total_rows == 6


def test_conversation_table_counts_all() -> None:
    _, conversations = _scope(_browsing(), 3)
    made = conversation_table(conversations.rows, most=2)
    assert len(made.rows) == 2
    assert made.total_rows == 7
