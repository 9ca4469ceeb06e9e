"""Numbers, units and times."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tshark_report.report import formats
from tshark_report.report.model import Cell, ColumnType


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.0000001, "< 0.001 ms"),
        (0.00042, "0.42 ms"),
        (0.123, "123 ms"),
        (2.345, "2.35 s"),
        (60.2, "60.20 s"),
        (120.4, "2 min 0 s"),
        (200, "3 min 20 s"),
        (7260, "2 h 1 min"),
        (90061, "1 d 1 h"),
        (-2, "-2.00 s"),
        (math.inf, "-"),
    ],
)
def test_duration(seconds: float | None, words: str) -> None:
    assert formats.duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (412160, "412 kB"), (9_840_000, "9.84 MB"), (999_999, "1 MB")],
)
def test_size(number: int, words: str) -> None:
    assert formats.size(number) == words


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (5311, "count", "5,311"),
        (8080, "port", "8080"),
        (26, "hex", "0x1a"),
        (0.14, "percent", "0.14 %"),
        (300.02, "seconds", "300.02 s"),
        (0.0005, "seconds", "0.5 ms"),
        (7260, "seconds", "2 h 1 min"),
        (None, "count", "-"),
        (True, "text", "yes"),
        ("2026-03-02T09:14:07.123456Z", "time", "09:14:07.123"),
        ("09:14", "time", "09:14"),
        (1.5, "milliseconds", "1.5 ms"),
        (math.nan, "count", "-"),
    ],
)
def test_cell(value: Cell, kind: ColumnType, text: str) -> None:
    assert formats.cell(value, kind, one_day=True) == text


@given(
    st.one_of(st.none(), st.text(), st.integers(-(2**63), 2**63), st.floats(), st.booleans()),
    st.sampled_from(
        ["text", "address", "port", "count", "bytes", "seconds", "milliseconds", "frame", "percent", "hex"]
    ),
)
def test_any_cell_has_a_text(value: Cell, kind: ColumnType) -> None:
    assert isinstance(formats.cell(value, kind), str)


def test_times_are_utc() -> None:
    assert formats.utc("2026-03-02T10:14:07.5+01:00") == "2026-03-02 09:14:07.500 UTC"
    assert formats.clock_span("2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z", one_day=False) == (
        "2026-03-02 09:00:00 – 2026-03-03 09:00:00 UTC"
    )


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("203.0.113.66", "203[.]0[.]113[.]66"),
        ("http://a.example/x", "hxxp[://]a[.]example/x"),
        ("me@a.example", "me[@]a[.]example"),
        ("203[.]0[.]113[.]66", "203[.]0[.]113[.]66"),
        ("2001:db8::1", "2001[:]db8::1"),
    ],
)
def test_defang(value: str, safe: str) -> None:
    assert formats.defang(value) == safe


def test_cut_note_only_where_cut() -> None:
    assert formats.cut_note(20, 5311) == "20 of 5,311 rows"
    assert formats.cut_note(20, 20) == ""
