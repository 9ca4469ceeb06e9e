"""TCP007: slow servers; quiet on long paths, lost packets, shells and delayed refusals."""

from __future__ import annotations

from tests.builders import START, drafts, family
from tests.rules.transport.wire import ACK, PSH, SERVER, Talk, column, tabled
from tshark_report.rules.base import Draft
from tshark_report.rules.transport.slow_answers import slow_answers
from tshark_report.tables.tables import Tables


def asked(
    wait: float, *, stream: int = 0, rtt: float = 0.02, acked: bool = True, protocol: str = "HTTP", at: float = 0.0
) -> Talk:
    talk = Talk(stream, protocol=protocol).handshake(at, rtt).say(at + 1.0, 300, up=True)
    if acked:
        talk.answer(at + 1.0 + rtt, up=False)
    return talk.say(at + 1.0 + wait, 1400).answer(at + 1.0 + wait + rtt).end(at + 2.0 + wait)


def found(*talks: Talk, **families: object) -> list[Draft]:
    return drafts(slow_answers, tabled(*talks, **families))


def test_fires_from_a_second() -> None:
    made = found(asked(1.0))
    assert [(d.subject, d.priority, d.confidence) for d in made] == [(f"{SERVER}:80", "medium", "high")]
    assert "1.00 s" in made[0].summary
    assert "acknowledged after 20 ms, and its first data came another 0.980 s later" in made[0].summary
    assert "The wire is fine: the handshake's round trip is 20 ms" in made[0].summary
    # The connection is short and shown whole: handshake, question, acknowledgement, answer.
    assert list(made[0].frames) == list(range(1, len(made[0].frames) + 1))
    assert {4, 6} < set(made[0].frames)
    assert made[0].display_filter == "tcp.stream == 0"
    assert not found(asked(0.99))


def test_quiet_beyond_two_minutes() -> None:
    assert found(asked(120.0))
    assert not found(asked(120.1))


def test_quiet_where_the_path_is_long() -> None:
    assert found(asked(1.5, rtt=0.3))
    assert not found(asked(1.49, rtt=0.3))


def test_quiet_where_packets_were_lost() -> None:
    talk = Talk(protocol="HTTP").handshake().say(1.0, 300, up=True)
    talk.packet(2.0, PSH | ACK, up=True, data=b"x" * 300, seq=1, marks=["retransmission"])
    assert not found(talk.say(2.02, 100).answer(2.03))


def test_low_for_a_small_share_of_the_answers() -> None:
    quick = [asked(0.05, stream=n, at=n * 10.0) for n in range(1, 14)]
    slow = [asked(2.0, stream=20 + n, at=200.0 + 10 * n) for n in range(3)]
    assert found(*slow, *quick[:12])[0].priority == "medium"
    assert found(*slow, *quick)[0].priority == "low"
    assert found(*slow[:2], *quick[:2])[0].priority == "medium"
    assert found(*slow[:2], *quick[:3])[0].priority == "low"


def test_low_for_one_slow_answer_among_many_of_other_servers() -> None:
    quick = []
    for n in range(1, 21):
        talk = asked(0.05, stream=n, at=n * 10.0)
        for row in talk.rows:
            row |= {end: "203.0.113.77" for end in ("src", "dst") if row[end] == SERVER}
        quick.append(talk)
    assert found(asked(2.0), *quick[:19])[0].priority == "medium"
    lowered = found(asked(2.0), *quick)[0]
    assert lowered.priority == "low"
    assert lowered.lowered_because == "1 slow answer among the 21 timed answers of this capture"


def test_low_for_protocols_that_may_wait_on_purpose() -> None:
    made = found(asked(2.0, protocol="SMB2"))
    assert made[0].priority == "low"
    assert "SMB2" in made[0].lowered_because


def test_quiet_for_shells_and_unknown_protocols() -> None:
    assert not found(asked(5.0, protocol="SSHv2"))
    assert not found(asked(5.0, protocol="TCP"))


def test_tls_is_timed_only_in_the_handshake() -> None:
    hello = family("tls", {"handshake": [1], "stream": 0})
    talk = Talk(protocol="TLSv1.3").handshake().say(0.1, 500, up=True).say(0.15, 2000)
    assert not found(talk.say(0.2, 300, up=True).say(30.0, 300), tls=hello)
    assert found(asked(2.0, protocol="TLSv1.2"), tls=hello)[0].priority == "low"
    # Another protocol on a TLS port owes no answer.
    assert not found(asked(2.0, protocol="SSL"))


def test_quiet_on_refused_logins() -> None:
    talk = asked(2.0, protocol="FTP")
    frame = next(n for n, row in enumerate(talk.rows, 1) if row["payload"] == 1400)
    refused = family("ftp", {"frame": frame, "time": START, "code": 530})
    assert found(talk)
    assert not found(talk, ftp=refused)


def test_names_what_was_asked() -> None:
    request = family("http", {"frame": 4, "time": START, "method": "GET", "uri": "/report", "protocol": "HTTP"})
    made = found(asked(2.0), http=request)
    assert column(made[0], "asked") == ["GET /report"]


def test_low_for_long_polling() -> None:
    def polled(uri: str) -> Draft:
        talks = [asked(25.0, stream=n, at=30.0 * n) for n in range(4)]
        asks = [n for n, row in enumerate(sorted((r for t in talks for r in t.rows), key=lambda r: r["time"]), 1)
                if row["payload"] == 300]  # fmt: skip
        return found(*talks, http=family("http", *({"frame": f, "method": "GET", "uri": uri} for f in asks)))[0]

    for uri in ("/poll?since=3", "/api/v1/pods?watch=1", "/socket.io/?transport=polling", "/client/r0/sync"):
        assert polled(uri).priority == "low"
    for uri in ("/", "/report", "/polls/2024", "/watchlist", "/events-archive.html"):
        assert polled(uri).priority == "medium"


def test_nothing_in_an_empty_capture() -> None:
    assert not drafts(slow_answers, Tables())


def in_turns(quick: int, slow: int, protocol: str = "TCP", pause: float = 3.0) -> Talk:
    talk = Talk(protocol=protocol, port=9000).handshake(0.0, 0.002)
    at = 1.0
    for n in range(quick + slow):
        wait = pause if n < slow else 0.01
        talk.say(at, 50, up=True).answer(at + 0.001, up=False).say(at + wait, 200).answer(at + wait + 0.001)
        at += wait + 1.0
    return talk


def test_unknown_protocols_count_where_answers_mostly_come_at_once() -> None:
    made = found(in_turns(16, 4))
    assert [(d.subject, d.priority) for d in made] == [(f"{SERVER}:9000", "low")]
    assert "the protocol is not known" in made[0].lowered_because
    assert not found(in_turns(15, 4))  # 19 exchanges
    assert not found(in_turns(17, 4))  # 19 % of them
    assert not found(in_turns(10, 11))  # silence is its habit
