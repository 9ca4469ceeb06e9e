"""NET011: UDP services that never answer; quiet on one-way protocols, groups and clients that ask many."""

from __future__ import annotations

from typing import Any

from tests.builders import drafts, packets, tables
from tshark_report.rules.transport.unanswered_datagrams import unanswered_datagrams
from tshark_report.tables.tables import Tables

CLIENT, SERVER = "10.0.0.5", "10.0.0.66"


def asked(number: int, port: int = 1812, server: str = SERVER, *, hears: bool = True, answers: int = 0) -> Tables:
    there: dict[str, Any] = {
        "src": CLIENT,
        "dst": server,
        "src_port": 40000,
        "dst_port": port,
        "transport": "udp",
        "payload": 50,
    }
    back = there | {"src": server, "dst": CLIENT, "src_port": port, "dst_port": 40000}
    other = [{"src": "10.0.0.80", "dst": CLIENT, "stream": 9}] if hears else []
    return tables(packets=packets(*(there for _ in range(number)), *(back for _ in range(answers)), *other))


def test_fires_at_three_datagrams() -> None:
    found = drafts(unanswered_datagrams, asked(3))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER}:1812", "low")]
    assert "(RADIUS, UDP) never answered 3 datagrams of 10.0.0.5" in found[0].summary
    assert list(found[0].frames) == [1, 2, 3]
    assert not drafts(unanswered_datagrams, asked(2))


def test_quiet_on_answers_and_one_way_protocols() -> None:
    assert not drafts(unanswered_datagrams, asked(5, answers=1))
    assert not drafts(unanswered_datagrams, asked(5, port=514))
    assert not drafts(unanswered_datagrams, asked(5, port=123, server="224.0.1.1"))
    assert not drafts(unanswered_datagrams, asked(5, port=123, server="10.0.0.255"))


def test_quiet_where_the_client_hears_nothing_at_all() -> None:
    assert not drafts(unanswered_datagrams, asked(5, hears=False))


def test_quiet_on_a_client_that_asks_many() -> None:
    def wide(number: int) -> Tables:
        rows = [
            {
                "src": CLIENT,
                "dst": f"10.0.1.{n // 3}",
                "src_port": 40000,
                "dst_port": 161,
                "transport": "udp",
                "stream": n // 3,
            }
            for n in range(3 * number)
        ]
        return tables(packets=packets(*rows, {"src": "10.0.0.80", "dst": CLIENT, "stream": 99}))

    assert len(drafts(unanswered_datagrams, wide(9))) == 9
    assert not drafts(unanswered_datagrams, wide(10))


def test_only_datagrams_to_the_port_count() -> None:
    """tshark may put a scan's packets to many ports into one stream."""
    rows = [
        {"src": CLIENT, "dst": SERVER, "src_port": 40000, "dst_port": 1812 if n < 2 else 2000 + n, "transport": "udp"}
        for n in range(40)
    ]
    heard = {"src": "10.0.0.80", "dst": CLIENT, "stream": 9}
    assert not drafts(unanswered_datagrams, tables(packets=packets(*rows, heard)))
