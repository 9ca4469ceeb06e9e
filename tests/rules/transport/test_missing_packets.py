"""NET007: packets that the recording lost."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import Talk, tabled
from tshark_report.rules.transport.missing_packets import missing_packets


def unseen(number: int) -> Talk:
    talk = Talk().handshake()
    for n in range(number):
        talk.sent[False] += 1000
        talk.answer(0.1 + n, marks=["acked-unseen"])
    return talk


def test_fires_at_three() -> None:
    found = drafts(missing_packets, tabled(unseen(3)))
    assert [(d.subject, d.priority) for d in found] == [("capture", "info")]
    assert "3 packets of 10.0.0.5 acknowledge data" in found[0].summary
    assert not drafts(missing_packets, tabled(unseen(2)))


def test_quiet_on_gaps_that_nobody_acknowledged() -> None:
    talk = Talk().handshake()
    for n in range(9):
        talk.say(0.1 + n, 100, marks=["lost-segment"])
    assert not drafts(missing_packets, tabled(talk))
