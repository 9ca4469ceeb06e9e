"""TCP016: gaps that nobody filled; quiet where the sender repeats or the piece comes by itself."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, CLIENT, PSH, Talk, column, tabled
from tshark_report.rules.transport.unrepaired_gaps import unrepaired_gaps


def gap(duplicates: int, extra: int = 0) -> Talk:
    talk = Talk().handshake().say(0.1, 100).answer(0.11)
    hole = talk.sent[False]
    talk.sent[False] += 100
    for n in range(duplicates):
        talk.say(0.2 + n * 0.01, 100, marks=["lost-segment"] if n == 0 else ())
        talk.answer(0.205 + n * 0.01, ack=hole, marks=["duplicate-ack"])
    for n in range(extra):
        talk.say(1.0 + n * 0.001, 10, up=True, ack=hole)
    return talk


def test_fires_at_three_duplicates() -> None:
    found = drafts(unrepaired_gaps, tabled(gap(3)))
    assert [(d.subject, d.priority) for d in found] == [(CLIENT, "low")]
    assert "3 duplicate ACKs (1 gap)" in found[0].summary
    assert column(found[0], "duplicate ACKs") == [3]
    assert not drafts(unrepaired_gaps, tabled(gap(2)))


def test_fires_at_its_share() -> None:
    assert drafts(unrepaired_gaps, tabled(gap(3, 289)))
    assert not drafts(unrepaired_gaps, tabled(gap(3, 290)))


def test_quiet_where_it_was_repaired() -> None:
    talk = gap(3)
    talk.packet(0.3, PSH | ACK, up=False, data=b"x" * 100, seq=101, marks=["fast-retransmission"])
    assert not drafts(unrepaired_gaps, tabled(talk))
    assert not drafts(unrepaired_gaps, tabled(gap(3).answer(0.4)))
