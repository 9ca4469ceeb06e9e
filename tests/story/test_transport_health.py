"""Transport health: counts, medians of paths, and the sentence."""

from __future__ import annotations

from tests.rules.transport.wire import ACK, FIN, PSH, RST, SERVER, Talk, tabled
from tshark_report.story.transport_health import PATHS_KEPT, transport_health
from tshark_report.story.verdict import _numbers
from tshark_report.tables.tables import Tables


def asked(stream: int, wait: float) -> Talk:
    at = stream * 10.0
    return (
        Talk(stream, protocol="HTTP").handshake(at, 0.02).say(at + 1, 100, up=True).say(at + 1 + wait, 100).end(at + 5)
    )


def test_medians_of_a_path() -> None:
    health = transport_health(tabled(asked(0, 0.11), asked(1, 0.21), asked(2, 2.01)))
    assert (health.tcp_sessions, health.complete_handshakes, health.paths_total) == (3, 3, 1)
    path = health.paths[0]
    assert (path.client, path.server, path.port, path.sessions) == ("10.0.0.5", SERVER, 80, 3)
    assert (path.rtt_s, path.rtt_server_s, path.rtt_client_s) == (0.02, 0.01, 0.01)
    assert (path.server_think_s, path.server_think_max_s) == (0.2, 2.0)
    assert "The median handshake round trip is 20 ms" in health.sentence
    assert "nothing was sent again" in health.sentence
    assert "0.200 s (median) for an answer, at most 2.00 s" in health.sentence


def test_the_median_of_two_paths_lies_between_them() -> None:
    slow = Talk(1, port=81, protocol="HTTP").handshake(20.0, 0.1).say(21.0, 100, up=True).say(21.5, 100).end(22.0)
    reason = _numbers(transport_health(tabled(asked(0, 0.11), slow)))
    assert "handshake round trip 60 ms (median of paths)" in reason
    # Without the round trip to the server: 0.11 - 0.01 and 0.5 - 0.05 seconds.
    assert "servers' time for an answer 0.275 s (median of paths)" in reason


def test_counts() -> None:
    lost = (
        Talk(0)
        .handshake()
        .say(0.1, 100)
        .packet(0.5, PSH | ACK, up=False, data=b"x" * 100, seq=1, marks=["retransmission"])
    )
    lost.answer(0.6, marks=["duplicate-ack"]).answer(0.7, window=0, marks=["zero-window"])
    lost.packet(0.8, FIN | ACK, up=True, window=0, marks=["zero-window"])
    refused = Talk(1, port=81).syn(1.0).packet(1.1, RST | ACK, up=False)
    silent = Talk(2, port=82).syn(2.0).syn(3.0, again=True)
    health = transport_health(tabled(lost, refused, silent))
    assert (health.retransmissions, health.duplicate_acks, health.zero_windows) == (2, 1, 1)
    assert (health.refused, health.unanswered_syns, health.resets) == (1, 1, 1)
    assert health.retransmission_percent == round(100 * 2 / 12, 2)
    assert "2 packets sent again (17 % of TCP)" in health.sentence


def test_copies_are_not_retransmissions() -> None:
    talk = Talk().handshake().say(0.1, 100)
    talk.packet(0.1001, PSH | ACK, up=False, data=b"x" * 100, seq=1, ident=talk.count[False], marks=["retransmission"])
    health = transport_health(tabled(talk))
    assert health.retransmissions == 0
    assert "1 packet recorded more than once" in health.sentence


def test_many_paths_are_cut_and_counted() -> None:
    health = transport_health(tabled(*(Talk(n, port=1000 + n).syn(n * 1.0) for n in range(40))))
    assert len(health.paths) == PATHS_KEPT
    assert health.paths_total == 40


def test_says_what_it_cannot_say() -> None:
    assert "no TCP" in transport_health(Tables()).sentence
    middle = Talk(protocol="HTTP").say(0.1, 100, up=True).say(0.3, 100)
    assert "No handshake is whole" in transport_health(tabled(middle)).sentence
    alone = Talk().handshake()
    assert "no answer of a server could be timed" in transport_health(tabled(alone)).sentence
