"""What all rules are made with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tshark_report.rules.base import foremost


@given(found=st.lists(st.tuples(st.integers(0, 5), st.integers())), most=st.integers(1, 10))
def test_the_foremost_are_those_that_a_finer_order_may_put_first(found: list[tuple[int, int]], most: int) -> None:
    kept = foremost(found, lambda each: each[0], most)
    assert sorted(kept)[:most] == sorted(found)[:most]
    assert kept == [each for each in found if each in kept]
    left = [each for each in found if each not in kept]
    assert len(kept) >= min(most, len(found))
    assert all(each[0] > max(rank for rank, _ in kept) for each in left)
