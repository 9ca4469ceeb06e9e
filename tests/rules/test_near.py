"""Packets found by their place: the same rows as a filter over all packets."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders
from tshark_report.rules import near
from tshark_report.tables.sessions import ACK, SYN

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "transport": st.sampled_from(["tcp", "udp", None]),
            "stream": st.sampled_from([None, 0, 1, 2, 7, 4_000_000_000]),
            "flags": st.sampled_from([None, 0, SYN, SYN | ACK, ACK, 0x1C2]),
        }
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, wanted=st.lists(st.sampled_from([0, 1, 2, 3, 7, 4_000_000_000]), max_size=4))
def test_packets_of_streams(rows: list[dict[str, object]], wanted: list[int]) -> None:
    made = builders.tables(packets=builders.packets(*rows))
    for transport in ("tcp", "udp"):
        expected = made.packets.filter((pl.col("transport") == transport) & pl.col("stream").is_in(wanted))
        assert near.of_streams(made, transport, wanted).equals(expected)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_session_starts(rows: list[dict[str, object]]) -> None:
    made = builders.tables(packets=builders.packets(*rows))
    expected = [
        place + 1
        for place, row in enumerate(rows)
        if row["transport"] == "tcp" and isinstance(row["flags"], int) and row["flags"] & (SYN | ACK) == SYN
    ]
    assert near.session_starts(made)["frame"].to_list() == expected


def test_only_the_columns_asked_for() -> None:
    made = builders.tables(packets=builders.packets({"payload": 0}, {"payload": 9}, {"payload": 7}))
    found = near.packets(made, pl.col("payload") > 0, "frame", "payload")
    assert found.columns == ["frame", "payload"]
    assert found.rows() == [(2, 9), (3, 7)]
