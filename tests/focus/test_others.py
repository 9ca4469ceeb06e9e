"""Others with the same pattern as the conversations in focus."""

from __future__ import annotations

from typing import Any

from tests.builders import CLIENT, OUTSIDE, family, packets, tables
from tests.focus.test_widen import OTHER, _browsing, _scope
from tshark_report.focus.others import COMMON_SERVERS, others, others_table


def test_others_with_the_same_pattern() -> None:
    scope, conversations = _scope(_browsing(), 3)
    found = others([scope], conversations.tables, conversations)
    assert {(s.what, s.host) for s in found} >= {("user agent", OTHER), ("path", OTHER), ("server port", OTHER)}
    made = others_table(found, frozenset({CLIENT}), lambda a: a)
    assert {row[0] for row in made.rows} == {OTHER}


def test_a_browser_that_says_the_same_everywhere_is_no_pattern() -> None:
    http = [{"frame": n, "method": "GET", "host": f"h{n}", "uri": f"/page{n}", "user_agent": "Browser/9", "src": OTHER, "dst": f"198.51.100.{n}"}
            for n in range(2, COMMON_SERVERS + 3)]  # fmt: skip
    mine = {"frame": 1, "method": "GET", "host": "h", "uri": "/gate", "user_agent": "Browser/9"}
    rows = [
        {"stream": 0, "payload": 9, "dst_port": 80},
        *({"stream": n, "payload": 9, "dst_port": 80, "src": OTHER} for n in range(1, len(http) + 1)),
    ]
    made = tables(packets=packets(*rows), http=family("http", mine, *http))
    scope, conversations = _scope(made, 0)
    assert not [s for s in others([scope], made, conversations) if s.what == "user agent"]
    few = tables(packets=packets(*rows), http=family("http", mine, *http[:2]))
    scope, conversations = _scope(few, 0)
    assert len([s for s in others([scope], few, conversations) if s.what == "user agent"]) == 2


def test_same_sizes_and_their_near_miss() -> None:
    def exchange(stream: int, source: str, up: int, down: int) -> list[dict[str, Any]]:
        return [
            {"stream": stream, "src": source, "flags": 2},
            {"stream": stream, "src": source, "payload": up},
            {"stream": stream, "src": OUTSIDE, "dst": source, "src_port": 443, "dst_port": 40000, "payload": down},
        ]

    made = tables(
        packets=packets(
            *exchange(0, CLIENT, 120, 333), *exchange(1, OTHER, 120, 333), *exchange(2, "10.0.0.7", 121, 333)
        )
    )
    scope, conversations = _scope(made, 0)
    assert [(s.what, s.host) for s in others([scope], made, conversations)] == [("sizes of a conversation", OTHER)]
