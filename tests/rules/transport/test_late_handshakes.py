"""TCP002: connections that cost a second; quiet on quick repeats and where nobody answered."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, SERVER, SYN, Talk, column, tabled
from tshark_report.rules.transport.late_handshakes import late_handshakes


def late(lost: float, stream: int = 0, at: float = 0.0) -> Talk:
    talk = Talk(stream).syn(at).syn(at + lost, again=True)
    return talk.packet(at + lost + 0.01, SYN | ACK, up=False).packet(at + lost + 0.02, ACK, up=True)


def test_fires_from_a_second() -> None:
    found = drafts(late_handshakes, tabled(late(0.9)))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER}:80", "medium")]
    assert "SYN retransmitted, frame 2" in found[0].summary
    assert column(found[0], "lost") == [0.9]
    assert list(found[0].frames) == [2]
    assert not drafts(late_handshakes, tabled(late(0.89)))


def test_low_where_most_connections_are_quick() -> None:
    quick = [Talk(n).handshake(10.0 + n) for n in range(1, 19)]
    twice = [late(1.0), late(1.0, 40, 90.0)]
    assert drafts(late_handshakes, tabled(*twice, *quick))[0].priority == "medium"
    found = drafts(late_handshakes, tabled(*twice, *quick, Talk(30).handshake(30.0)))
    assert found[0].priority == "low"
    assert found[0].lowered_because


def test_low_where_it_is_one_of_many_things() -> None:
    others = [Talk(n, server=f"198.51.100.{n}").handshake(10.0 + n) for n in range(1, 3)]
    assert drafts(late_handshakes, tabled(late(1.0), *others[:1]))[0].priority == "medium"
    assert drafts(late_handshakes, tabled(late(1.0), *others))[0].priority == "low"
    again = [late(1.0, 30, 50.0)]
    assert drafts(late_handshakes, tabled(late(1.0), *again, *others))[0].priority == "medium"


def test_quiet_where_nobody_answered() -> None:
    assert not drafts(late_handshakes, tabled(Talk().syn(0.0).syn(1.0, again=True).syn(3.0, again=True)))
