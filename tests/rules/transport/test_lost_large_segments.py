"""TCP014: path-MTU black holes; quiet on small segments, on dead receivers and on segments that passed."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, CLIENT, PSH, SERVER, Talk, tabled
from tshark_report.rules.transport.lost_large_segments import lost_large_segments


def stuck(
    size: int = 1400, tries: int = 3, *, small_first: bool = True, alive: bool = True, acked: bool = False
) -> Talk:
    talk = Talk().handshake()
    if small_first:
        talk.say(0.1, 100, up=True).answer(0.12, up=False)
    seq = talk.sent[True]
    talk.say(0.2, size, up=True)
    if alive:
        talk.say(0.25, 20, ack=seq)
    for n in range(tries):
        talk.packet(0.5 + 2**n, PSH | ACK, up=True, data=b"x" * size, seq=seq, marks=["retransmission"])
    if acked:
        talk.answer(10.0, up=False)
    return talk


def test_fires_at_three_retransmissions() -> None:
    found = drafts(lost_large_segments, tabled(stuck()))
    assert [(d.subject, d.priority) for d in found] == [(f"{CLIENT} -> {SERVER}", "medium")]
    assert "1,400 bytes" in found[0].summary
    assert not drafts(lost_large_segments, tabled(stuck(tries=2)))


def test_sure_where_it_was_tried_six_times() -> None:
    assert drafts(lost_large_segments, tabled(stuck(tries=6)))[0].confidence == "high"
    assert drafts(lost_large_segments, tabled(stuck(tries=5)))[0].confidence == "medium"


def test_fires_at_1200_bytes() -> None:
    assert drafts(lost_large_segments, tabled(stuck(1200)))
    assert not drafts(lost_large_segments, tabled(stuck(1199)))


def test_quiet_on_look_alikes() -> None:
    assert not drafts(lost_large_segments, tabled(stuck(alive=False)))
    assert not drafts(lost_large_segments, tabled(stuck(small_first=False)))
    assert not drafts(lost_large_segments, tabled(stuck(acked=True)))


def test_quiet_where_small_segments_are_lost_too() -> None:
    def small(tries: int) -> Talk:
        talk = Talk(stream=1).handshake().say(0.1, 8, up=True)
        for n in range(tries):
            talk.packet(0.5 + 2**n, PSH | ACK, up=True, data=b"x" * 8, seq=1, marks=["retransmission"])
        return talk

    assert drafts(lost_large_segments, tabled(stuck(), small(2)))
    assert not drafts(lost_large_segments, tabled(stuck(), small(3)))
