"""TCP001: loss by direction and side; quiet on single losses, on copies, on overtaken packets and on silence."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, PSH, SERVER, Talk, column, tabled
from tshark_report.rules.transport.resent_segments import resent_segments


def transfer(segments: int, lost: int, *, pause: float = 0.05, seen: bool = True, **more: int) -> Talk:
    """`segments` segments from the server, the last `lost` of which are sent again after `pause` seconds."""
    talk = Talk(**more).handshake()
    for n in range(segments):
        talk.say(0.1 + n * 0.001, 1000)
    at = 0.1 + segments * 0.001
    for n in range(lost):
        at += pause
        seq = 1 + 1000 * (segments - lost + n)
        talk.packet(at, PSH | ACK, up=False, data=b"x" * 1000, seq=seq, marks=["retransmission"])
        if not seen:
            talk.rows = [r for r in talk.rows if r["marks"] or r["seq"] != 9000 + seq]
    return talk.answer(at + 0.01).end(at + 0.1)


def test_fires_at_three_segments() -> None:
    found = drafts(resent_segments, tabled(transfer(100, 3)))
    assert [(d.subject, d.priority) for d in found] == [(SERVER, "low")]
    assert "3 retransmissions" in found[0].summary
    assert "all from server to client" in found[0].summary
    assert "All were acknowledged in the end: the transfer recovered" in found[0].summary
    assert not drafts(resent_segments, tabled(transfer(100, 2)))


def test_one_segment_of_a_short_exchange_is_enough() -> None:
    assert drafts(resent_segments, tabled(transfer(9, 1)))
    assert not drafts(resent_segments, tabled(transfer(10, 1)))


def test_one_long_pause_alone_is_low() -> None:
    assert drafts(resent_segments, tabled(transfer(9, 1, pause=5.0)))[0].priority == "low"


def test_fires_at_its_share() -> None:
    assert drafts(resent_segments, tabled(transfer(590, 3)))
    assert not drafts(resent_segments, tabled(transfer(640, 3)))


def test_medium_where_a_user_notices_the_share() -> None:
    assert drafts(resent_segments, tabled(transfer(200, 8, pause=0.21)))[0].priority == "medium"
    assert drafts(resent_segments, tabled(transfer(200, 7, pause=0.21)))[0].priority == "low"


def test_low_for_one_burst_however_large() -> None:
    found = drafts(resent_segments, tabled(transfer(200, 40, pause=0.01)))
    assert [(d.priority, d.lowered_because) for d in found] == [
        ("low", "they were lost in few bursts, without a long pause")
    ]


def test_low_where_other_connections_did_not_suffer() -> None:
    lossy = transfer(60, 8, pause=0.21)
    others = [transfer(100, 0, stream=n, server="203.0.113.77") for n in range(1, 6)]
    found = drafts(resent_segments, tabled(lossy, *others))
    assert [(d.priority, d.lowered_because) for d in found] == [
        ("low", "1 of the 6 connections of this capture are concerned")
    ]
    assert drafts(resent_segments, tabled(lossy, *others[:4]))[0].priority == "medium"


def test_low_where_only_messages_were_sent() -> None:
    # Segments of a thousand bytes each.
    assert drafts(resent_segments, tabled(transfer(50, 8, pause=0.21)))[0].priority == "medium"
    found = drafts(resent_segments, tabled(transfer(40, 8, pause=0.21)))
    assert [d.priority for d in found] == ["low"]
    assert "kB were sent on these connections, without a long pause" in found[0].lowered_because
    assert drafts(resent_segments, tabled(transfer(40, 8, pause=1.9)))[0].priority == "low"
    assert drafts(resent_segments, tabled(transfer(40, 8, pause=2.1)))[0].priority == "medium"


def test_low_for_keep_alives() -> None:
    talk = Talk().handshake().say(0.1, 1, up=True)
    for n in range(1, 4):
        talk.packet(0.1 + 2 * n, PSH | ACK, up=True, data=b"x", seq=0, marks=["retransmission"])
        talk.answer(0.2 + 2 * n, up=False)
    assert all(d.priority == "low" for d in drafts(resent_segments, tabled(talk)))


def test_medium_where_a_user_notices_the_pause() -> None:
    found = drafts(resent_segments, tabled(transfer(200, 3, pause=1.01)))
    assert found[0].priority == "medium"
    assert column(found[0], "cause") == ["time-out"] * 3
    assert drafts(resent_segments, tabled(transfer(200, 3, pause=0.99)))[0].priority == "low"


def test_tells_the_side_of_the_loss() -> None:
    behind = drafts(resent_segments, tabled(transfer(100, 3)))[0]
    before = drafts(resent_segments, tabled(transfer(100, 3, seen=False)))[0]
    assert "behind the capture point" in behind.summary
    assert "before the capture point, on the sender's side" in before.summary


def test_unsure_where_the_recording_lost_packets() -> None:
    talk = transfer(200, 8)
    assert drafts(resent_segments, tabled(talk))[0].confidence == "high"
    for n in range(3):
        talk.answer(5.0 + n, marks=["acked-unseen"])
    found = drafts(resent_segments, tabled(talk))
    assert found[0].confidence == "medium"
    assert "3 acknowledgements of data that the capture does not hold" in found[0].summary


def test_one_host_for_many_peers() -> None:
    talks = [transfer(100, 2, stream=n, client=f"10.0.0.{n}") for n in range(1, 5)]
    found = drafts(resent_segments, tabled(*talks))
    assert [d.subject for d in found] == [SERVER]
    assert len(found[0].frames) == 8


def test_quiet_on_packets_recorded_twice() -> None:
    talk = Talk().handshake()
    for n in range(50):
        talk.say(0.1 + n * 0.01, 1000)
        again = {"seq": 1 + 1000 * n, "ident": talk.count[False], "marks": ["retransmission"]}
        talk.packet(0.1 + n * 0.01 + 0.0001, PSH | ACK, up=False, data=b"x" * 1000, **again)
        talk.count[False] -= 1
    assert not drafts(resent_segments, tabled(talk))


def test_quiet_on_overtaken_packets() -> None:
    talk = Talk().handshake()
    for n in range(50):
        first = 1 + 200 * n
        talk.packet(0.1 + n * 0.1, PSH | ACK, up=False, data=b"x" * 100, seq=first + 100, ident=101 + 2 * n)
        late = {"seq": first, "ident": 100 + 2 * n, "marks": ["retransmission"]}
        talk.packet(0.15 + n * 0.1, PSH | ACK, up=False, data=b"x" * 100, **late)
    assert not drafts(resent_segments, tabled(talk))


def test_quiet_on_silence_that_another_rule_tells() -> None:
    talk = Talk().handshake().say(0.1, 100, up=True)
    for at in (0.4, 1.0, 2.2, 4.6):
        talk.packet(at, PSH | ACK, up=True, data=b"x" * 100, seq=1, marks=["retransmission"])
    assert not drafts(resent_segments, tabled(talk))


def test_quiet_on_handshakes() -> None:
    talks = [Talk(n).syn(0.0).syn(1.0, again=True).syn(3.0, again=True) for n in range(5)]
    assert not drafts(resent_segments, tabled(*talks))
