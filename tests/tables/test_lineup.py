"""Packets under each other: constant, counting, odd, varying."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import case_capture
from tests.rules.scans.wire import read
from tshark_report.tables.lineup import as_numbers, behaviour, line_up, unwrapped


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["a"] * 4, "constant"),
        ([""] * 4, "constant"),
        (["1", "2", "3"], "counting"),
        (["0x0a", "0x0b", "0x0c"], "counting"),
        (["65534", "65535", "0", "1"], "counting"),
        (["1", "5", "6"], "varying"),
        (["1", "5", "6", "90"], "counting"),
        (["1", "1", "2", "2", "3"], "counting"),
        (["1", "1", "1", "2"], "varying"),
        (["3", "2", "1"], "varying"),
        (["64", "64", "64", "64", "46"], "odd"),
        (["64", "64", "64", "46"], "varying"),
        (["64", "64", "64", "46", "46"], "varying"),
        (["a", "b", "c"], "varying"),
        ([], "constant"),
    ],
)
def test_marks(values: list[str], mark: str) -> None:
    assert behaviour(values).mark == mark


def test_the_cells_that_are_out_of_line() -> None:
    assert behaviour(["64"] * 8 + ["46", "64"]).odd == [8]
    counter = [str(n) for n in range(100, 120)]
    counter[7] = "9000"
    found = behaviour(counter)
    assert (found.mark, found.odd) == ("odd", [7])
    assert "1 of 20" in found.note
    assert behaviour([str(n) for n in range(9)][:4] + ["700"] + [str(n) for n in range(5, 9)]).mark == "varying"


def test_notes() -> None:
    assert behaviour(["7", "9", "11"]).note == "+2 from packet to packet"
    assert behaviour(["7", "9", "15", "16"]).note == "grows from 7 to 16"
    assert behaviour(["x"] * 3).note == "always x"
    assert behaviour(["", ""]).note == "never present"


@given(st.lists(st.text(max_size=5), max_size=40))
def test_any_texts(values: list[str]) -> None:
    found = behaviour(values)
    assert found.note
    assert found.odd == sorted(set(found.odd))
    assert all(0 <= place < len(values) for place in found.odd)
    assert bool(found.odd) == (found.mark == "odd")
    assert (found.mark == "constant") == (len(set(values)) <= 1)
    assert len(found.odd) <= 0.2 * len(values)


@given(st.integers(0, 2**32 - 1), st.integers(1, 1000), st.integers(3, 60), st.sampled_from([2**16, 2**32]))
def test_counters_that_begin_again_count(start: int, step: int, length: int, size: int) -> None:
    values = [str((start + n * step) % size) for n in range(length)]
    # A counter whose highest value in sight fits a smaller field cannot be known to begin again at the larger one.
    fell = any(int(b) < int(a) for a, b in zip(values, values[1:], strict=False))
    if not fell or max(map(int, values)) >= size * 3 // 4 > size // 2:
        assert behaviour(values).mark == "counting"


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40))
def test_unwrapping_keeps_rests(numbers: list[int]) -> None:
    made = unwrapped(numbers)
    assert len(made) == len(numbers)
    size = next(s for s in (2**8, 2**16, 2**32) if max(numbers, default=0) < s)
    assert [value % size for value in made] == numbers


def test_numbers_of_no_header_field_stay() -> None:
    assert unwrapped([2**40, 1]) == [2**40, 1]
    assert unwrapped([-5, 3]) == [-5, 3]


def test_numbers() -> None:
    assert as_numbers(["1", "0x10", " 7 "]) == [1, 16, 7]
    assert as_numbers(["1", ""]) is None
    assert as_numbers(["1.5"]) is None


def frame(**columns: list) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    return pl.DataFrame({"frame": list(range(1, count + 1)), **columns}, strict=False)


def test_a_line_up() -> None:
    rows = frame(ttl=[64, 64, 64, 64, 46], ip_id=[1, 2, 3, 4, 5], host=["a", None, "b", "a", "c"])
    made = line_up(rows, ["ttl", "ip_id", "host"], names={"ttl": "TTL"}, total=90)
    assert [(c.name, c.field, c.mark) for c in made.columns] == [
        ("TTL", "ttl", "odd"),
        ("ip_id", "ip_id", "counting"),
        ("host", "host", "varying"),
    ]
    assert made.odd == [(4, 0)]
    assert made.rows[1] == ["64", "2", ""]
    assert (made.frames, made.total_packets) == ([1, 2, 3, 4, 5], 90)


def test_sender_by_sender() -> None:
    rows = frame(
        src=["a", "b"] * 6,
        ttl=[64, 57] * 5 + [64, 41],
        ip_id=[n // 2 + (0 if n % 2 else 30000) for n in range(12)],
        port=[1000, 80] * 6,
        noise=[(n * 7919) % 101 for n in range(12)],
    )
    made = line_up(rows, ["src", "ttl", "ip_id", "port", "noise"], sender="src")
    marks = {c.field: (c.mark, c.note) for c in made.columns}
    assert marks["src"][0] == "varying"
    assert marks["ttl"] == ("odd", "regular for each sender but for 1 of 12 packets")
    assert marks["ip_id"] == ("counting", "counts up for each sender")
    assert marks["port"] == ("constant", "constant for each sender")
    assert marks["noise"][0] == "varying"
    assert made.odd == [(11, 1)]
    assert {c.field: c.mark for c in line_up(rows, ["ttl"]).columns} == {"ttl": "varying"}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 5), st.text(max_size=3).map(str))),
        min_size=1,
        max_size=30,
    )
)
def test_any_rows(cells: list[tuple[str, object]]) -> None:
    rows = pl.DataFrame(
        {
            "frame": list(range(len(cells))),
            "src": [s for s, _ in cells],
            "x": [None if v is None else str(v) for _, v in cells],
        },
        schema={"frame": pl.UInt32, "src": pl.String, "x": pl.String},
    )
    made = line_up(rows, ["x", "src"], sender="src")
    assert len(made.rows) == len(cells)
    assert all(0 <= row < len(cells) and 0 <= column < 2 for row, column in made.odd)
    assert all(
        bool([1 for _, c in made.odd if c == at]) == (column.mark == "odd") for at, column in enumerate(made.columns)
    )


def test_long_values_are_cut() -> None:
    assert line_up(frame(x=[2.0, 2.5]), ["x"]).rows == [["2"], ["2.5"]]
    made = line_up(frame(x=["y" * 999]), ["x"])
    assert len(made.rows[0][0]) == 200


@pytest.mark.shared
@pytest.mark.tshark
def test_published_capture(tmp_path) -> None:
    made = read(case_capture("zeek_rst_injection"), tmp_path / "scratch")
    found = line_up(made.packets, ["src", "ttl", "ip_id", "flags"], sender="src")
    assert found.odd == [(1, 1)]
    assert found.columns[1].mark == "odd"
