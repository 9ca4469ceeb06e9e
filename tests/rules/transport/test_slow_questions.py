"""TCP008: clients that open connections and wait."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import CLIENT, SERVER, Talk, tabled
from tshark_report.rules.transport.slow_questions import slow_questions


def opened(stream: int, pause: float, server: str = SERVER) -> Talk:
    at = stream * 10.0
    talk = Talk(stream, protocol="HTTP", server=server).handshake(at).say(at + 0.02 + pause, 300, up=True)
    return talk.say(at + 0.05 + pause, 300).end(at + 0.1 + pause)


def test_fires_at_three_connections() -> None:
    quick = [opened(20 + n, 0.0, "198.51.100.1") for n in range(4)]
    found = drafts(slow_questions, tabled(*quick, *(opened(n, 1.0) for n in range(3))))
    assert [(d.hosts[0], d.priority) for d in found] == [(CLIENT, "info")]
    assert not drafts(slow_questions, tabled(*quick, *(opened(n, 1.0) for n in range(2))))
    assert not drafts(slow_questions, tabled(*(opened(n, 0.99) for n in range(3))))


def test_one_is_enough_where_there_is_little_else() -> None:
    found = drafts(slow_questions, tabled(opened(0, 1.0), opened(1, 0.0, "198.51.100.1")))
    assert [d.priority for d in found] == ["low"]
    assert "client latency" in found[0].summary


def test_quiet_where_most_are_used_at_once() -> None:
    slow = [opened(n, 2.0) for n in range(3)]
    assert drafts(slow_questions, tabled(*slow, *(opened(10 + n, 0.0) for n in range(3))))
    assert not drafts(slow_questions, tabled(*slow, *(opened(10 + n, 0.0) for n in range(4))))
