"""TCP005: receivers that cannot keep up; quiet on windows of closing connections."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, CLIENT, FIN, RST, SERVER, Talk, column, tabled
from tshark_report.rules.transport.zero_windows import zero_windows


def closed(seconds: float, *, reopened: bool = True) -> Talk:
    talk = Talk().handshake().say(0.1, 1000).answer(0.11, window=2920).say(0.12, 1000)
    talk.answer(0.13, window=0, marks=["zero-window"])
    if reopened:
        talk.answer(0.13 + seconds, window=64240, marks=["window-update"])
    return talk.say(0.2 + seconds, 1000).answer(0.21 + seconds, window=64240 if reopened else 0).end(0.3 + seconds)


def test_names_the_bottleneck_and_the_recovery() -> None:
    found = drafts(zero_windows, tabled(closed(0.01)))
    assert [(d.subject, d.priority) for d in found] == [(CLIENT, "low")]
    assert found[0].hosts == (CLIENT, SERVER)
    assert "2,920 - 0 bytes" in found[0].summary
    assert "window update" in found[0].summary
    assert "recovered" in found[0].summary
    assert f"the bottleneck is the receiver {CLIENT}" in found[0].summary
    assert column(found[0], "closed for") == [0.01]
    assert list(found[0].frames) == [7, 8]


def test_medium_from_a_second() -> None:
    assert drafts(zero_windows, tabled(closed(1.0)))[0].priority == "medium"
    assert drafts(zero_windows, tabled(closed(0.99)))[0].priority == "low"


def test_counts_a_window_that_stays_closed() -> None:
    talk = Talk().handshake().say(0.1, 1000).answer(0.11, window=0, marks=["zero-window"])
    talk.say(2.11, 1, marks=["zero-window-probe"]).answer(2.12, window=0, marks=["zero-window-probe-ack"])
    found = drafts(zero_windows, tabled(talk))
    assert found[0].priority == "medium"
    assert "no window update followed" in found[0].summary


def test_quiet_on_resets_and_fins() -> None:
    talk = Talk().handshake().say(0.1, 10, up=True)
    talk.packet(0.2, FIN | ACK, up=False, window=0, marks=["zero-window"])
    talk.packet(0.3, RST, up=True, window=0, marks=["zero-window"])
    assert not drafts(zero_windows, tabled(talk))


def test_quiet_on_small_windows() -> None:
    talk = Talk().handshake().say(0.1, 1000).answer(0.2, window=1).say(0.3, 1).answer(0.4, window=1)
    assert not drafts(zero_windows, tabled(talk))
