"""TCP010: queues before a narrow link; quiet on delayed acknowledgements, on short transfers and on loss."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, PSH, SERVER, Talk, tabled
from tshark_report.rules.transport.grown_round_trips import grown_round_trips


def upload(delay: float, segments: int = 40, size: int = 1400, rtt: float = 0.02) -> Talk:
    """Segments every 10 ms that are acknowledged `delay` seconds later."""
    talk = Talk().handshake(rtt=rtt)
    done = 1
    for n in range(segments):
        talk.say(0.1 + n * 0.01, size, up=True)
    for n in range(segments):
        done += size
        talk.answer(0.1 + n * 0.01 + delay, up=False, ack=done)
    talk.rows.sort(key=lambda row: row["time"])
    return talk


def test_fires_from_250_ms() -> None:
    found = drafts(grown_round_trips, tabled(upload(0.251)))
    assert [(d.subject, d.priority) for d in found] == [(SERVER, "low")]
    assert "narrow link with a long queue" in found[0].summary
    assert "Throughput" in found[0].summary
    assert not drafts(grown_round_trips, tabled(upload(0.249)))


def test_medium_from_500_ms() -> None:
    assert drafts(grown_round_trips, tabled(upload(0.501)))[0].priority == "medium"
    assert drafts(grown_round_trips, tabled(upload(0.499)))[0].priority == "low"


def test_quiet_without_load() -> None:
    assert drafts(grown_round_trips, tabled(upload(0.3).say(6.9, 10, up=True)))
    assert not drafts(grown_round_trips, tabled(upload(0.3).say(7.2, 10, up=True)))


def test_quiet_on_a_path_that_is_long_anyway() -> None:
    assert drafts(grown_round_trips, tabled(upload(0.301, rtt=0.12)))
    assert not drafts(grown_round_trips, tabled(upload(0.301, rtt=0.122)))


def test_quiet_on_little_data() -> None:
    assert not drafts(grown_round_trips, tabled(upload(0.3, size=100)))
    assert not drafts(grown_round_trips, tabled(upload(0.3, segments=9, size=5000)))


def test_quiet_where_packets_are_lost() -> None:
    talk = upload(0.3)
    for n in range(3):
        talk.packet(
            0.6 + n * 0.01, PSH | ACK, up=True, data=b"x" * 1400, seq=1 + 1400 * (30 + n), marks=["retransmission"]
        )
    talk.rows.sort(key=lambda row: row["time"])
    assert not drafts(grown_round_trips, tabled(talk))
