"""What TCP streams did in time: directions, copies, retransmissions, round trips, questions and answers."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import packets, tables
from tests.rules.transport.wire import ACK, CLIENT, PSH, SERVER, Talk, tabled
from tshark_report.tables import exchanges as ex
from tshark_report.tables.tables import Tables


def test_nothing_in_an_empty_capture() -> None:
    made = Tables()
    assert made.streams.is_empty()
    assert made.copies.schema.names() == ["frame", "original_frame", "seconds", "routed"]
    assert dict(made.resent.schema) == ex.RESENT_SCHEMA
    assert dict(made.delays.schema) == ex.DELAY_SCHEMA
    assert dict(made.exchanges.schema) == ex.EXCHANGE_SCHEMA


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_sequence_numbers_are_relative_and_may_wrap(client: int, server: int) -> None:
    there = {"src": CLIENT, "dst": SERVER, "src_port": 40000, "dst_port": 80}
    back = {"src": SERVER, "dst": CLIENT, "src_port": 80, "dst_port": 40000}
    rows = (
        there | {"flags": 0x02, "seq": client, "ack": 0},
        back | {"flags": 0x12, "seq": server, "ack": (client + 1) % 2**32},
        there | {"flags": 0x18, "seq": (client + 1) % 2**32, "ack": (server + 1) % 2**32, "payload": 700},
        back | {"flags": 0x10, "seq": (server + 1) % 2**32, "ack": (client + 701) % 2**32},
    )
    streams = tables(packets=packets(*rows)).streams
    assert streams["up"].to_list() == [True, False, True, False]
    assert streams["start"].to_list() == [0, 0, 1, 1]
    assert streams["end"].to_list() == [1, 1, 701, 1]
    assert streams["acks"].to_list() == [None, 1, 1, 701]


def repeated(later: float, *, ident: int | None = None, ttl: int = 64, ids: bool = True) -> Tables:
    talk = Talk(ids=ids).handshake().say(0.1, 100)
    again = {"seq": 1, "marks": ["retransmission"], "ttl": ttl}
    if ident is not None:
        again["ident"] = ident
    return tabled(talk.packet(0.1 + later, PSH | ACK, up=False, data=b"x" * 100, **again))


@pytest.mark.parametrize(
    ("made", "copied"),
    [
        (repeated(0.199, ident=5002), True),
        (repeated(0.201, ident=5002), False),
        (repeated(0.0004), False),
        (repeated(0.0009, ids=False, ttl=63), True),
        (repeated(0.0011, ids=False, ttl=63), False),
        (repeated(0.00009, ids=False), True),
        (repeated(0.00011, ids=False), False),
        (repeated(0.01, ident=5002, ttl=63), True),
    ],
)
def test_copies_are_told_from_retransmissions(made: Tables, copied: bool) -> None:
    assert made.copies["frame"].to_list() == ([5] if copied else [])
    assert made.resent["copy"].to_list() == [copied]


def test_a_copy_names_its_original() -> None:
    row = repeated(0.01, ident=5002, ttl=63).copies.row(0, named=True)
    assert (row["original_frame"], row["routed"]) == (4, True)
    assert row["seconds"] == pytest.approx(0.01, abs=1e-6)


def test_causes_of_retransmissions() -> None:
    talk = Talk().handshake()
    for n in range(5):
        talk.say(0.1 + n * 0.001, 100)
    data = {"up": False, "data": b"x" * 100}
    talk.packet(0.15, PSH | ACK, seq=1, marks=["fast-retransmission"], **data)
    talk.packet(0.16, PSH | ACK, seq=101, marks=["retransmission"], **data)
    talk.packet(0.36, PSH | ACK, seq=201, marks=["retransmission"], **data)
    talk.packet(0.361, PSH | ACK, seq=301, marks=["spurious-retransmission"], **data)
    made = tabled(talk.answer(0.4, ack=301)).resent
    assert made["kind"].to_list() == ["fast", "other", "time-out", "spurious"]
    assert made["acked"].to_list() == [True, True, True, False]
    assert made["seen"].to_list() == [True] * 4
    assert made["original_frame"].to_list() == [4, 5, 6, 7]


def test_a_lost_original_is_not_seen() -> None:
    talk = Talk().handshake().say(0.1, 100)
    talk.sent[False] += 100
    talk.say(0.11, 100).packet(0.2, PSH | ACK, up=False, data=b"x" * 100, seq=101, marks=["retransmission"])
    row = tabled(talk).resent.row(0, named=True)
    assert (row["seen"], row["original_frame"], row["after"], row["kind"]) == (False, None, None, "other")


def test_overtaken_packets_by_their_ip_id() -> None:
    talk = Talk().handshake()
    for n in range(6):
        first = 1 + 200 * n
        talk.packet(
            0.1 + n, PSH | ACK, up=False, data=b"x" * 100, seq=first + 100, ident=(65534 + 2 * n + 1) % 65536 or 1
        )
        late = {"seq": first, "ident": (65534 + 2 * n) % 65536 or 1, "marks": ["retransmission"]}
        talk.packet(0.2 + n, PSH | ACK, up=False, data=b"x" * 100, **late)
    assert set(tabled(talk).resent["kind"].to_list()) == {"reordered"}


def test_syns_are_their_own_kind() -> None:
    assert tabled(Talk().syn(0.0).syn(1.0, again=True)).resent["kind"].to_list() == ["syn"]


def test_delay_of_an_acknowledgement() -> None:
    talk = Talk().handshake().say(0.1, 100, up=True).say(0.11, 100, up=True).answer(0.15, up=False, ack=101)
    made = tabled(talk.answer(0.3, up=False)).delays
    assert made["frame"].to_list() == [4, 5]
    assert made["ack_frame"].to_list() == [6, 7]
    assert made["delay"].to_list() == pytest.approx([0.05, 0.19], abs=1e-6)


def test_no_delay_for_what_was_sent_again() -> None:
    talk = Talk().handshake().say(0.1, 100, up=True, marks=["retransmission"]).answer(0.2, up=False)
    assert tabled(talk).delays.is_empty()


def dialogue() -> Talk:
    talk = Talk(protocol="HTTP").handshake(0.0, 0.02)
    talk.say(0.1, 200, up=True).say(0.11, 200, up=True).answer(0.13, up=False)
    talk.say(1.11, 1400).say(1.12, 600).answer(1.13)
    return talk.say(3.12, 100, up=True).say(3.15, 300).answer(3.2)


def test_questions_and_answers() -> None:
    made = tabled(dialogue()).exchanges
    assert made["place"].to_list() == [0, 1]
    first, second = made.iter_rows(named=True)
    assert (first["request_first_frame"], first["request_frame"], first["ack_frame"], first["answer_frame"]) == (
        4,
        5,
        6,
        7,
    )
    assert (first["request_bytes"], first["answer_bytes"]) == (400, 2000)
    assert first["ack_seconds"] == pytest.approx(0.02, abs=1e-6)
    assert first["wait"] == pytest.approx(1.0, abs=1e-6)
    assert first["after_ack"] == pytest.approx(0.98, abs=1e-6)
    assert first["think"] == pytest.approx(0.99, abs=1e-6)
    assert first["client_think"] is None
    assert second["client_think"] == pytest.approx(2.0, abs=1e-6)
    assert second["ack_frame"] == second["answer_frame"]
    assert not first["disturbed"]


def test_an_exchange_in_which_packets_were_lost() -> None:
    talk = Talk().handshake().say(0.1, 200, up=True)
    talk.packet(0.4, PSH | ACK, up=True, data=b"x" * 200, seq=1, marks=["retransmission"]).say(0.5, 100)
    talk.say(1.0, 100, up=True).say(1.1, 100)
    made = tabled(talk).exchanges
    assert made["disturbed"].to_list() == [True, False]
    assert made["request_frame"].to_list() == [4, 7]


def test_a_greeting_is_no_answer() -> None:
    talk = Talk().handshake().say(0.1, 50).say(0.2, 50, up=True).say(0.3, 50)
    assert tabled(talk).exchanges["request_frame"].to_list() == [5]


def test_streams_do_not_mix() -> None:
    made = tabled(dialogue(), Talk(1, client="10.0.0.9", protocol="HTTP").handshake().say(0.5, 10, up=True)).exchanges
    assert made["stream"].unique().to_list() == [0]
    assert made.filter(pl.col("client") != CLIENT).is_empty()
