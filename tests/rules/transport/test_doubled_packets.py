"""NET008: packets that stand in the capture more than once; quiet on real retransmissions."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, CLIENT, PSH, SERVER, Talk, tabled
from tshark_report.rules.transport.doubled_packets import doubled_packets


def doubled(
    copied: int, single: int = 0, *, later: float = 0.0004, passes: int = 2, ttl: int = 64, same_id: bool = True
) -> Talk:
    talk = Talk().handshake()
    for n in range(copied + single):
        at = 0.1 + n
        talk.say(at, 100)
        for k in range(1, passes if n < copied else 1):
            ident = talk.count[False] if same_id else talk.count[False] + 7
            more = {"seq": 1 + 100 * n, "ident": ident, "ttl": ttl, "marks": ["retransmission"]}
            talk.packet(at + k * later, PSH | ACK, up=False, data=b"x" * 100, **more)
            talk.count[False] -= 1
    return talk


def test_fires_at_ten_packets() -> None:
    found = drafts(doubled_packets, tabled(doubled(10)))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER} and {CLIENT}", "low")]
    assert "tshark counts 10 retransmissions, of which 10 are such copies" in found[0].summary
    assert "not lost" in found[0].summary
    assert not drafts(doubled_packets, tabled(doubled(9)))


def test_fires_at_its_share() -> None:
    assert drafts(doubled_packets, tabled(doubled(10, 177)))
    assert not drafts(doubled_packets, tabled(doubled(10, 178)))


def test_copies_at_once_are_the_tap() -> None:
    assert drafts(doubled_packets, tabled(doubled(10, later=0.00005)))[0].priority == "info"


def test_three_passes_are_no_tap() -> None:
    found = drafts(doubled_packets, tabled(doubled(10, passes=3)))
    assert found[0].priority == "medium"
    assert "up to 3 times" in found[0].summary
    assert "loop" in found[0].summary


def test_three_copies_at_once_are_three_interfaces() -> None:
    found = drafts(doubled_packets, tabled(doubled(10, later=0.00002, passes=3)))
    assert found[0].priority == "info"
    assert found[0].title == "TCP packets were recorded twice and look like retransmissions"
    assert drafts(doubled_packets, tabled(doubled(10, later=0.000005, passes=10)))[0].priority == "medium"


def test_before_and_after_a_router() -> None:
    found = drafts(doubled_packets, tabled(doubled(10, ttl=63)))
    assert found[0].priority == "info"
    assert "which 02:00:00:00:00:05 sent: the capture sees packets before and after a router" in found[0].summary


def test_quiet_on_retransmissions() -> None:
    assert not drafts(doubled_packets, tabled(doubled(20, same_id=False)))
    assert not drafts(doubled_packets, tabled(doubled(20, later=0.25)))
