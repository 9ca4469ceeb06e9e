"""Quantiles of sketches: right within the error, the same however they are merged, and safe to read back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tshark_report.normal import amounts
from tshark_report.normal.model import EMPTY, Bins

VALUES = st.lists(st.floats(min_value=1e-5, max_value=1e12), min_size=1, max_size=60)


@given(VALUES, st.floats(min_value=0, max_value=1))
def test_quantiles_are_right_within_the_error(values: list[float], share: float) -> None:
    ordered = sorted(values)
    exact = ordered[math.floor(share * (len(ordered) - 1))]
    found = amounts.quantile(amounts.of(values), share)
    assert found is not None
    assert abs(found - exact) <= exact * amounts.ERROR * 1.0001


@given(VALUES, VALUES, VALUES)
def test_merging_is_counting_together_in_any_order(a: list[float], b: list[float], c: list[float]) -> None:
    one, two, three = amounts.of(a), amounts.of(b), amounts.of(c)
    assert amounts.merged(amounts.merged(one, two), three) == amounts.of([*c, *a, *b])
    assert amounts.merged(three, amounts.merged(two, one)) == amounts.of([*c, *a, *b])


@given(VALUES)
def test_what_is_written_is_what_is_read(values: list[float]) -> None:
    bins = amounts.of(values)
    assert amounts.fits(bins)
    assert amounts.merged(EMPTY, bins) == bins == amounts.merged(bins, EMPTY)
    assert amounts.count(bins) == len(values)


def test_zeros_count_and_what_is_no_amount_does_not() -> None:
    bins = amounts.of([0.0, 0.0, 0.0, 5.0, None, -1.0, math.nan, math.inf])
    assert amounts.count(bins) == 4
    assert amounts.median(bins) == 0
    assert amounts.largest(bins) == pytest.approx(5, rel=amounts.ERROR)
    assert amounts.quantile(EMPTY, 0.5) is None


@pytest.mark.parametrize(
    "bins",
    [
        Bins(-1, []),
        Bins(0, [(10**9, 1)]),  # would need as many bins in memory
        Bins(0, [(-(10**9), 1)]),
        Bins(0, [(1, 0)]),
        Bins(0, [(1, -5)]),
        Bins(0, [(2, 1), (1, 1)]),
        Bins(0, [(1, 1), (1, 1)]),
        Bins(0, [(1, 2**60)]),
    ],
)
def test_bins_that_this_module_never_writes_do_not_fit(bins: Bins) -> None:
    assert not amounts.fits(bins)
