"""Every conversation under one number, whatever carries it."""

from __future__ import annotations

import polars as pl

from tests.builders import CLIENT, OUTSIDE, packets, tables
from tshark_report.focus.conversations import SCHEMA, Conversations


def _made() -> Conversations:
    ping = {"transport": None, "stream": None, "src_port": None, "dst_port": None, "protocol": "ICMP", "dst": OUTSIDE}
    return Conversations(
        tables(
            packets=packets(
                {"stream": 3, "flags": 2, "payload": 0},
                {"stream": 3, "src": OUTSIDE, "dst": CLIENT, "src_port": 443, "dst_port": 40000, "payload": 100},
                {"transport": "udp", "stream": 3, "dst_port": 53, "protocol": "DNS", "payload": 30},
                ping,
                ping | {"src": OUTSIDE, "dst": CLIENT},
                {"src": None, "dst": None, "stream": None, "transport": None, "protocol": "STP"},
            )
        )
    )


def test_one_row_a_conversation_and_numbers_that_fit() -> None:
    made = _made()
    assert made.rows.columns == list(SCHEMA)
    assert made.rows["protocol"].to_list() == ["TCP", "DNS", "ICMP"]
    assert made.packets["frame"].to_list() == [1, 2, 3, 4, 5]
    by_frame = dict(made.packets.select("frame", "conversation").iter_rows())
    assert by_frame[1] == by_frame[2] != by_frame[3]
    assert by_frame[4] == by_frame[5]
    ping = made.rows.row(by_frame[4], named=True)
    assert (ping["client"], ping["server"], ping["client_packets"], ping["server_packets"]) == (CLIENT, OUTSIDE, 1, 1)


def test_choosing() -> None:
    made = _made()
    assert made.of_frames(pl.Series([3], dtype=pl.UInt32)).to_list() == [1]
    assert made.with_addresses(frozenset({OUTSIDE})).to_list() == [0, 1, 2]
    assert made.frames_of(pl.Series([0], dtype=pl.UInt32)).to_list() == [1, 2]
    assert made.chosen(pl.Series([2], dtype=pl.UInt32)).height == 1


def test_nothing() -> None:
    made = Conversations(tables())
    assert made.rows.is_empty()
    assert made.packets.is_empty()
