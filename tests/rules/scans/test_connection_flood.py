"""SCN013: very many connections to one service."""

from __future__ import annotations

from tests.builders import START, drafts, family, openings, packets, tables
from tests.rules.scans.rows import answer, session, syn
from tests.rules.scans.wire import Tape, read, same_frames, tcp
from tshark_report.rules.scans.connection_flood import connection_flood

SERVER = "10.0.0.80"


def opened(count: int, seconds: float = 59, src: str = "10.0.0.66") -> list[dict]:
    return [
        row | {"time": START + n * seconds / count + k * 0.0001}
        for n in range(count)
        for k, row in enumerate(session(n, SERVER, 80, src))
    ]


def held(count: int, seconds: float = 30, asked: int = 200, served: int = 0) -> list[dict]:
    rows = []
    for n in range(count):
        first = syn(n, SERVER, 80, "10.0.0.66")
        data = first | {"flags": 0x18, "payload": asked}
        parts = [
            (first, 0),
            (answer(first), 0.01),
            (first | {"flags": 0x10}, 0.02),
            (data, 0.03),
            (first | {"flags": 0x11}, seconds),
        ]
        if n < served:
            parts.append((answer(first, 0x18, payload=500), 0.5))
        rows += [row | {"time": START + n * 0.01 + at} for row, at in parts]
    return rows


def found(rows: list[dict]) -> list:
    return drafts(connection_flood, tables(packets=packets(*rows)))


def test_600_in_a_minute_and_quiet_at_599() -> None:
    made = found(opened(600))
    assert [(d.subject, d.priority) for d in made] == [("10.0.0.66 -> 10.0.0.80:80", "low")]
    assert "600 connections in a minute" in made[0].summary
    assert not found(opened(599))


def test_a_hundred_held_open_and_quiet_at_99() -> None:
    made = found(held(100))
    assert [(d.priority, d.confidence) for d in made] == [("medium", "high")]
    assert "held 100 connections at the same time" in made[0].summary
    assert not found(held(99))


def test_short_large_or_served_connections_are_quiet() -> None:
    assert found(held(120, seconds=10))
    assert not found(held(120, seconds=9.9))
    assert not found(held(120, asked=2001))
    assert found(held(125, served=25))
    assert not found(held(125, served=26))


def test_connections_one_after_the_other_are_quiet() -> None:
    rows = [row | {"time": row["time"] + n // 5 * 31} for n, row in enumerate(held(150))]
    assert not found(rows)


def test_on_the_wire(tmp_path) -> None:
    tape = Tape()
    for n in range(110):
        a, b = ("10.9.0.66", "10.9.0.80", 40000 + n, 80), ("10.9.0.80", "10.9.0.66", 80, 40000 + n)
        tape.add(tcp(*a, 0x02, seq=n), tcp(*b, 0x12, seq=7, ack=n + 1), tcp(*a, 0x10, seq=n + 1, ack=8))
        tape.add(tcp(*a, 0x18, seq=n + 1, ack=8, body=b"GET / HTTP/1.1\r\nX-a: 1\r\n"))
    tape.now += 20
    for n in range(110):
        tape.add(tcp("10.9.0.66", "10.9.0.80", 40000 + n, 80, 0x18, seq=n + 25, ack=8, body=b"X-b: 2\r\n"))
    tape.session("10.9.0.21", "10.9.0.80", 45000, 80)
    path = tape.save(tmp_path / "slow.pcap")
    made = drafts(connection_flood, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [len(d.frames) for d in made] == [110]


HEADER = b"GET / HTTP/1.1\r\nHost: www.example\r\nX-a: b\r\n"


def begun(count: int, data: bytes = HEADER, whole: int = 0) -> list:
    ends = {"src": "10.0.0.66", "dst": SERVER, "dst_port": 80}
    said = openings(*(ends | {"stream": n, "data": data, "payload": len(data)} for n in range(count)))
    asked = family("http", *(ends | {"stream": n, "method": "GET"} for n in range(whole)))
    return drafts(connection_flood, tables(packets=packets(*held(count)), openings=said, http=asked))


def test_twenty_unfinished_requests_and_quiet_at_19() -> None:
    made = begun(20)
    assert [(d.subject, d.priority) for d in made] == [("10.0.0.66 -> 10.0.0.80:80", "medium")]
    assert "held 20 connections at the same time" in made[0].summary
    assert not begun(19)


def test_finished_requests_without_an_answer_are_quiet() -> None:
    """A server that hangs: the requests are whole. Other protocols wait for their server's word."""
    assert not begun(60, whole=60)
    assert not begun(60, b"\x16\x03\x01\x02\x00")
