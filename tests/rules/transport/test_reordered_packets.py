"""NET010: packets that were overtaken; random IP IDs say nothing."""

from __future__ import annotations

import random

from tests.builders import drafts
from tests.rules.transport.wire import ACK, CLIENT, PSH, SERVER, Talk, tabled
from tshark_report.rules.transport.reordered_packets import reordered_packets


def overtaken(number: int, in_order: int = 0, *, chance: random.Random | None = None) -> Talk:
    talk = Talk().handshake()
    for n in range(number):
        first = 1 + 200 * n
        idents = (chance.randrange(1, 65536), chance.randrange(1, 65536)) if chance else (101 + 2 * n, 100 + 2 * n)
        talk.packet(0.1 + n, PSH | ACK, up=False, data=b"x" * 100, seq=first + 100, ident=idents[0])
        talk.packet(
            0.15 + n, PSH | ACK, up=False, data=b"x" * 100, seq=first, ident=idents[1], marks=["retransmission"]
        )
    talk.sent[False] = 1 + 200 * number
    talk.count[False] = 100 + 2 * number
    for n in range(in_order):
        talk.say(number + n + 1.0, 100)
    return talk


def test_fires_at_ten() -> None:
    found = drafts(reordered_packets, tabled(overtaken(10)))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER} and {CLIENT}", "info")]
    assert "10 of 20 data packets" in found[0].summary
    assert not drafts(reordered_packets, tabled(overtaken(9)))


def test_fires_at_its_share() -> None:
    assert drafts(reordered_packets, tabled(overtaken(10, 980)))
    assert not drafts(reordered_packets, tabled(overtaken(10, 981)))


def test_quiet_on_random_ids() -> None:
    assert not drafts(reordered_packets, tabled(overtaken(40, chance=random.Random(1))))
