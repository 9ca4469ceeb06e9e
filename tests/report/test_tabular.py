"""Tables and the widths of their columns on paper."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from tshark_report.report import paper_columns, tabular
from tshark_report.report.model import Column


def test_grid_formats_and_cuts() -> None:
    made = tabular.grid(
        "T",
        [Column(name="Size", type="bytes"), Column(name="Who")],
        [[412160, "a" * 500]] * 9,
        5311,
        cap=2,
        one_day=True,
    )
    assert made.rows[0] == ["412,160", "a" * 399 + "…"]
    assert made.cut == "2 of 5,311 rows"
    assert made.heads[0].text == "Size (bytes)"
    assert made.heads[0].css == "num"
    assert made.heads[1].css == "long"


def test_conversations_are_exact_and_both_ways() -> None:
    made = tabular.conversations(sample.incident(), "ipv4", cap=100)
    row = made.rows[0]
    assert row[:4] == [sample.PC, sample.SHOP, "220", "184,000"]
    short = tabular.conversations(sample.incident(), "tcp", cap=3, short=True)
    assert [head.text for head in short.heads][:4] == ["Address A", "Port A", "Address B", "Port B"]
    assert short.cut == "3 of 9 rows"


def test_some_names_the_rest() -> None:
    assert tabular.some(["a", "b", "c"], 2) == "a, b and 1 more"


@given(st.lists(st.lists(st.text(max_size=80), min_size=3, max_size=3), max_size=5))
def test_columns_fit_the_page(rows: list[list[str]]) -> None:
    widths = paper_columns.points(["Frame", "A heading", "X"], rows, [False, True, False])
    assert len(widths) == 3
    assert all(width > 0 for width in widths)
    assert sum(widths) <= paper_columns.PAGE + 3


def test_one_row_of_many_columns_is_turned() -> None:
    columns = [Column(name=f"c{number}") for number in range(9)]
    one = tabular.grid("T", columns, [["x"] * 9], 1, cap=9, one_day=True)
    many = tabular.grid("T", columns, [["x"] * 9] * 5, 5, cap=9, one_day=True)
    assert one.on_edge
    assert not many.on_edge


def test_narrow_columns_stay_whole_where_room_is_short() -> None:
    heads = ["Frame", *(f"Something{number}" for number in range(12))]
    widths = paper_columns.points(heads, [["1234", *["averylongwordindeed"] * 12]], [False] * 13)
    assert widths[0] >= 24
    assert sum(widths) <= paper_columns.PAGE


def test_on_paper_long_cells_share_the_page_and_short_columns_stay_on_one_line() -> None:
    heads = ["Address", "Types", "Names", "Offered"]
    rows = [["10.20.0.21", "A, AAAA", "pc-anna", "word " * 16], ["10.20.0.22", "A", "x y " * 64, "udp/53 (DNS)"]]
    widths = paper_columns.points(heads, rows, [True, False, False, False])
    assert sum(widths) <= paper_columns.PAGE + len(widths)
    assert widths[1] >= 38
    assert 0.4 < widths[3] / widths[2] < 2.5
