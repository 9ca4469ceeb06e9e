"""TCP006: transfers held by the receiver's window."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import CLIENT, Talk, tabled
from tshark_report.rules.transport.full_windows import full_windows


def filled(times: int) -> Talk:
    talk = Talk().handshake(rtt=0.1)
    for n in range(times):
        talk.say(0.2 + n * 0.1, 1000, marks=["window-full"]).answer(0.21 + n * 0.1, window=1000)
    return talk


def test_fires_at_ten() -> None:
    found = drafts(full_windows, tabled(filled(10)))
    assert [(d.subject, d.priority) for d in found] == [(CLIENT, "low")]
    assert "10 times" in found[0].summary
    assert "at most 10.0 kB a second" in found[0].summary
    assert not drafts(full_windows, tabled(filled(9)))


def test_quiet_on_window_updates() -> None:
    talk = Talk().handshake()
    for n in range(20):
        talk.say(0.2 + n * 0.1, 1000).answer(0.21 + n * 0.1, marks=["window-update"])
    assert not drafts(full_windows, tabled(talk))
