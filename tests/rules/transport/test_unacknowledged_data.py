"""TCP004: data into silence; quiet on one or two repeats and where the receiver answers."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, CLIENT, PSH, SERVER, Talk, tabled
from tshark_report.rules.transport.unacknowledged_data import unacknowledged_data


def pushed(*offsets: float) -> Talk:
    talk = Talk().handshake().say(1.0, 648, up=True)
    for offset in offsets:
        talk.packet(1.0 + offset, PSH | ACK, up=True, data=b"x" * 648, seq=1, marks=["retransmission"])
    return talk


def test_fires_at_three_retransmissions() -> None:
    found = drafts(unacknowledged_data, tabled(pushed(0.2, 0.8, 2.0, 4.4)))
    assert [(d.subject, d.priority, d.confidence) for d in found] == [(f"{CLIENT} -> {SERVER}", "medium", "high")]
    assert "0.2, 0.8, 2.0 and 4.4 s after the first" in found[0].summary
    assert "doubling" in found[0].summary
    assert "never acknowledged" in found[0].summary
    assert list(found[0].frames) == [5, 6, 7, 8]
    assert drafts(unacknowledged_data, tabled(pushed(0.2, 0.8, 2.0)))
    assert not drafts(unacknowledged_data, tabled(pushed(0.2, 2.0)))


def test_fires_from_a_second_and_is_medium_from_three() -> None:
    assert not drafts(unacknowledged_data, tabled(pushed(0.2, 0.5, 0.99)))
    assert drafts(unacknowledged_data, tabled(pushed(0.2, 0.5, 1.0)))[0].priority == "low"
    assert drafts(unacknowledged_data, tabled(pushed(0.2, 1.2, 3.0)))[0].priority == "medium"


def test_low_where_it_is_one_of_many_connections() -> None:
    others = [Talk(stream=n, server="203.0.113.77").handshake().say(0.5, 100).answer(0.6) for n in range(1, 11)]
    found = drafts(unacknowledged_data, tabled(pushed(0.2, 1.2, 3.0), *others))
    assert [d.priority for d in found] == ["low"]
    assert found[0].lowered_because == "only 1 of the 11 connections of this capture met it"
    assert drafts(unacknowledged_data, tabled(pushed(0.2, 1.2, 3.0), *others[:9]))[0].priority == "medium"


def test_low_where_the_client_dropped_the_connection_and_went_on() -> None:
    talk = Talk().handshake().say(1.0, 648)
    for offset in (0.2, 1.2, 3.4):
        talk.packet(1.0 + offset, PSH | ACK, up=False, data=b"x" * 648, seq=1, marks=["retransmission"])
    elsewhere = Talk(stream=1, server="203.0.113.77").handshake(2.0).say(2.5, 100, up=True).answer(2.6, up=False)
    assert drafts(unacknowledged_data, tabled(talk))[0].priority == "medium"
    found = drafts(unacknowledged_data, tabled(talk, elsewhere))
    assert found[0].priority == "low"
    assert "nobody waits for this data" in found[0].lowered_because


def test_unsure_without_doubling() -> None:
    found = drafts(unacknowledged_data, tabled(pushed(1.0, 2.0, 3.0, 4.0)))
    assert found[0].confidence == "medium"
    assert "without the doubling" in found[0].summary


def test_quiet_where_it_was_acknowledged_in_the_end() -> None:
    assert not drafts(unacknowledged_data, tabled(pushed(0.2, 0.8, 2.0).answer(2.1, up=False)))


def test_quiet_where_the_receiver_still_speaks() -> None:
    assert not drafts(unacknowledged_data, tabled(pushed(0.2, 0.8, 2.0).say(2.1, 10, ack=1)))


def test_quiet_on_lost_syns() -> None:
    talk = Talk().syn(0.0).syn(1.0, again=True).syn(3.0, again=True).syn(7.0, again=True)
    assert not drafts(unacknowledged_data, tabled(talk))
