"""Pictures of a baseline: each says in words what it shows, and shows nothing where there is nothing."""

from __future__ import annotations

from tshark_report.normal import amounts, pictures
from tshark_report.normal.model import EMPTY
from tshark_report.story.words import size


def test_hours() -> None:
    made = pictures.hours_of_day({"8": 2}, {"8": 3, "9": 1}, "h")
    assert made is not None
    assert "08:00 UTC: active in 2 captures" in made
    assert "09:00 UTC: covered by 1 capture" in made
    assert pictures.hours_of_day({}, {}, "h") is None


def test_bars_are_as_long_as_their_numbers_and_escaped() -> None:
    made = pictures.bars([("<x>", 10), ("b", 5), ("c", 0)], "k", "Title", "sessions")
    assert made is not None
    assert "<x>" not in made
    assert "&lt;x&gt; 10; b 5" in made
    assert pictures.bars([("c", 0)], "k", "Title", "sessions") is None


def test_spreads() -> None:
    made = pictures.spreads([("shop", amounts.of([100.0] * 9 + [1e6])), ("none", EMPTY)], "k", "Sent", size)
    assert made is not None
    assert "shop: median 9" in made or "shop: median 10" in made
    assert "none" not in made
    assert pictures.spreads([("none", EMPTY)], "k", "Sent", size) is None
    assert pictures.spreads([("zero", amounts.of([0.0]))], "k", "Sent", size) is not None
