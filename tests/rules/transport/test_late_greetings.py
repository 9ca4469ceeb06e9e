"""TCP015: servers that greet late; quiet where the client speaks first and where packets were lost."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, PSH, SERVER, Talk, column, tabled
from tshark_report.rules.transport.late_greetings import late_greetings


def greeted(wait: float, protocol: str = "FTP") -> Talk:
    return Talk(port=21, protocol=protocol).handshake().say(0.02 + wait, 50).say(1.0 + wait, 10, up=True)


def test_fires_from_a_second() -> None:
    found = drafts(late_greetings, tabled(greeted(1.001)))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER}:21", "low")]
    assert "1.00 s for its greeting in 1 of 1 connection" in found[0].summary
    assert column(found[0], "frame") == [4]
    assert not drafts(late_greetings, tabled(greeted(0.999)))


def test_quiet_beyond_two_minutes_and_for_other_protocols() -> None:
    assert not drafts(late_greetings, tabled(greeted(121.0)))
    assert not drafts(late_greetings, tabled(greeted(5.0, "HTTP")))


def test_quiet_where_the_client_speaks_first() -> None:
    talk = Talk(protocol="FTP").handshake().say(0.1, 10, up=True).say(5.0, 50)
    assert not drafts(late_greetings, tabled(talk))


def test_quiet_where_packets_were_lost() -> None:
    talk = greeted(3.0).packet(9.0, PSH | ACK, up=True, data=b"x" * 10, seq=1, marks=["retransmission"])
    assert not drafts(late_greetings, tabled(talk))


def test_quiet_where_the_greeting_is_not_in_the_capture() -> None:
    talk = Talk(protocol="FTP").handshake()
    talk.sent[False] += 50
    assert not drafts(late_greetings, tabled(talk.say(3.0, 50)))
