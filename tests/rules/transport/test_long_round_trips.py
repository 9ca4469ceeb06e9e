"""TCP009: long paths."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import SERVER, Talk, tabled
from tshark_report.rules.transport.long_round_trips import long_round_trips


def far(number: int, rtt: float) -> list[Talk]:
    return [Talk(n).handshake(n * 5.0, rtt) for n in range(number)]


def test_fires_from_300_ms() -> None:
    found = drafts(long_round_trips, tabled(*far(3, 0.301)))
    assert [(d.subject, d.priority) for d in found] == [(SERVER, "low")]
    assert "0.301 s (median of 3 handshakes" in found[0].summary
    assert len(found[0].frames) == 3
    assert not drafts(long_round_trips, tabled(*far(3, 0.299)))


def test_medium_from_a_second_and_info_for_one_handshake() -> None:
    assert drafts(long_round_trips, tabled(*far(3, 1.001)))[0].priority == "medium"
    assert drafts(long_round_trips, tabled(*far(3, 0.999)))[0].priority == "low"
    near = [Talk(10 + n, server="198.51.100.1").handshake(50.0 + n, 0.02) for n in range(3)]
    assert drafts(long_round_trips, tabled(*far(2, 2.0), *near[:2]))[0].priority == "low"
    assert drafts(long_round_trips, tabled(*far(2, 2.0), *near))[0].priority == "info"


def test_quiet_where_a_syn_was_lost() -> None:
    talks = [Talk(n).syn(n * 9.0).syn(n * 9.0 + 1, again=True) for n in range(3)]
    for n, talk in enumerate(talks):
        talk.packet(n * 9.0 + 1.5, 0x12, up=False).packet(n * 9.0 + 1.51, 0x10, up=True)
    assert not drafts(long_round_trips, tabled(*talks))
