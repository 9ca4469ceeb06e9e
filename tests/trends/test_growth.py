"""From when on a series has grown: just there, just not there, and what only looks so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tshark_report.trends.growth import Judged, Limits, judged

LIMITS = Limits(history=3, least=20)


def verdict(records: list[int], rest: list[int]) -> Judged | None:
    return judged(records, [a + b for a, b in zip(records, rest, strict=True)], LIMITS)


def test_from_nothing_to_thousands() -> None:
    found = verdict([0, 0, 0, 0, 45, 900, 2400], [120, 130, 118, 125, 122, 260, 380])
    assert found is not None
    assert (found.verdict, found.at, found.median, found.most) == ("grown", 4, 0, 0)
    assert found.count_score == 45  # the scale is never less than one record
    assert found.share_score > 6


def test_at_least_so_many_records() -> None:
    assert verdict([0, 0, 0, 20], [100] * 4) is not None
    assert verdict([0, 0, 0, 19], [100] * 4) is None


def test_at_least_so_many_buckets_before() -> None:
    assert verdict([0, 0, 500], [100] * 3) is None
    assert verdict([0, 0, 0, 500], [100] * 4) is not None
    assert verdict([500, 0, 0, 0], [100] * 4) is None


def test_at_least_three_times_the_median() -> None:
    rest = [10_000] * 4
    assert verdict([100, 100, 100, 300], rest) is not None
    assert verdict([100, 100, 100, 299], rest) is None


def test_score_scales_with_what_is_usual() -> None:
    # 100 scatters by 10 by chance alone: 60 more are six times that, and three times 100 is asked for besides.
    assert judged([100] * 3 + [160], [1100] * 3 + [1160], Limits(3, 20)) is None
    scattered = [20, 200, 60, 320]
    assert verdict(scattered, [10_000] * 4) is None


def test_grew_with_the_total() -> None:
    found = verdict([60, 64, 58, 61, 250], [60, 64, 58, 61, 2600])
    assert found is not None
    assert (found.verdict, found.at) == ("grew with the total", 4)
    steady = verdict([60, 64, 58, 61, 250], [600, 640, 580, 610, 2500])
    assert steady is not None
    assert steady.verdict == "grew with the total"


def test_weekly_backup_was_as_high_before() -> None:
    found = verdict([60, 0, 0, 0, 0, 0, 0, 60], [120] * 8)
    assert found is not None
    assert (found.verdict, found.at, found.most) == ("was as high before", 7, 60)
    higher = verdict([60, 0, 0, 0, 0, 0, 0, 120], [120] * 8)
    assert higher is not None
    assert higher.verdict == "grown"


def test_what_broke_out_comes_before_what_only_seemed_to() -> None:
    found = verdict([60, 0, 0, 0, 60, 0, 900], [120] * 7)
    assert found is not None
    assert (found.verdict, found.at) == ("grown", 6)


def test_a_few_odd_days_do_not_hide_it() -> None:
    # By mean and standard deviation of the days before, its score would be 5.9.
    found = verdict([5, 90, 4, 6, 5, 4, 6, 5, 180], [300] * 9)
    assert found is not None
    assert (found.verdict, found.at) == ("grown", 8)
    assert found.count_score > 50


def test_constant_and_empty() -> None:
    assert verdict([], []) is None
    assert verdict([0] * 9, [0] * 9) is None
    assert verdict([500] * 9, [0] * 9) is None


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=30))
def test_any_numbers(rows: list[tuple[int, int]]) -> None:
    found = verdict([a for a, _ in rows], [b for _, b in rows])
    if found is not None:
        assert found.at >= LIMITS.history
        assert rows[found.at][0] >= LIMITS.least
        assert found.most == max(a for a, _ in rows[: found.at])


@given(st.lists(st.integers(30, 300), min_size=6, max_size=20), st.integers(2, 50))
def test_everything_times_as_much_is_never_raised(usual: list[int], factor: int) -> None:
    found = verdict([*usual, usual[-1] * factor], [10 * n for n in [*usual, usual[-1] * factor]])
    assert found is None or found.verdict != "grown"


@pytest.mark.parametrize("score", [6.0, 60.0])
def test_the_score_is_the_users_to_set(score: float) -> None:
    found = judged([0, 0, 0, 45], [100, 100, 100, 145], Limits(3, 20, score))
    assert (found is not None) == (score < 45)
