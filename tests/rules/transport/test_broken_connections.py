"""TCP011: resets in the middle, by whom; quiet after FIN, after long idling and in small shares."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, FIN, RST, SERVER, Talk, tabled
from tshark_report.rules.transport.broken_connections import broken_connections


def reset(stream: int, *, up: bool = False, idle: float = 0.1, answered: bool = False, fin: bool = False) -> Talk:
    at = stream * 30.0
    talk = Talk(stream).handshake(at).say(at + 0.1, 100, up=True)
    if answered:
        talk.say(at + 0.15, 100)
    if fin:
        talk.packet(at + 0.16, FIN | ACK, up=not up)
    return talk.packet(at + 0.2 + idle, RST | ACK, up=up)


def test_fires_at_three_connections() -> None:
    found = drafts(broken_connections, tabled(*(reset(n) for n in range(3))))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER}:80 by server", "medium")]
    assert "In 3 of them the client's last question stayed unanswered" in found[0].summary
    assert len(found[0].frames) == 3
    assert not drafts(broken_connections, tabled(*(reset(n) for n in range(2))))


def test_fires_at_its_share() -> None:
    three = [reset(n) for n in range(3)]
    whole = [
        Talk(10 + n).handshake(300.0 + n).say(300.1 + n, 10, up=True).say(300.2 + n, 10).end(300.3 + n)
        for n in range(13)
    ]
    assert drafts(broken_connections, tabled(*three, *whole[:12]))[0].priority == "low"
    assert not drafts(broken_connections, tabled(*three, *whole))


def test_answered_connections_are_low_and_the_clients_resets_info() -> None:
    assert drafts(broken_connections, tabled(*(reset(n, answered=True) for n in range(3))))[0].priority == "low"
    found = drafts(broken_connections, tabled(*(reset(n, up=True, answered=True) for n in range(3))))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER}:80 by client", "info")]


def test_quiet_after_fin_and_after_long_silence() -> None:
    assert not drafts(broken_connections, tabled(*(reset(n, fin=True) for n in range(3))))
    assert not drafts(broken_connections, tabled(*(reset(n, idle=5.0) for n in range(3))))


def test_quiet_on_refusals() -> None:
    talks = [Talk(n).syn(n * 1.0).packet(n * 1.0 + 0.01, RST | ACK, up=False) for n in range(5)]
    assert not drafts(broken_connections, tabled(*talks))
