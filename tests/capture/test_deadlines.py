"""How long a pass may take."""

from __future__ import annotations

from tshark_report.capture.deadlines import deadline


def test_larger_captures_may_take_longer_and_small_ones_long_enough() -> None:
    assert deadline(0) >= 60
    assert deadline(332_000_000) > 10 * 60 > deadline(1_000_000)
