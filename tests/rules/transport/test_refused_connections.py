"""TCP012: services that are not there; quiet on one refusal and on scans."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, RST, SERVER, Talk, tabled
from tshark_report.rules.transport.refused_connections import refused_connections


def refused(stream: int, port: int = 80) -> Talk:
    return Talk(stream, port=port).syn(stream * 1.0).packet(stream * 1.0 + 0.01, RST | ACK, up=False)


def test_fires_at_two_attempts() -> None:
    found = drafts(refused_connections, tabled(refused(0), refused(1)))
    assert [(d.subject, d.priority) for d in found] == [(SERVER, "medium")]
    assert "refused 2 connections" in found[0].summary
    assert len(found[0].frames) == 2
    assert not drafts(refused_connections, tabled(refused(0)))


def test_a_client_that_repeats_its_syn_counts() -> None:
    talk = Talk()
    for n in range(2):
        talk.packet(n * 0.5, 0x02, up=True, seq=0).packet(n * 0.5 + 0.01, RST | ACK, up=False)
    assert "2 SYNs" in drafts(refused_connections, tabled(talk))[0].summary


def test_low_where_others_work() -> None:
    whole = [Talk(10 + n, server=f"198.51.100.{n}").handshake(20.0 + n) for n in range(3)]
    assert drafts(refused_connections, tabled(refused(0), refused(1), *whole[:2]))[0].priority == "medium"
    assert drafts(refused_connections, tabled(refused(0), refused(1), *whole))[0].priority == "low"
    accepted = Talk(20).handshake(40.0)
    found = drafts(refused_connections, tabled(refused(0), refused(1), accepted))
    assert found[0].priority == "low"
    assert "It accepted 1 others there" in found[0].summary


def test_quiet_on_a_client_that_tries_many_ports() -> None:
    assert not drafts(refused_connections, tabled(*(refused(n, 1000 + n) for n in range(10))))
    assert drafts(refused_connections, tabled(*(refused(n, 1000 + n) for n in range(9))))
