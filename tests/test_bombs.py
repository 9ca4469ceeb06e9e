"""Bombs of a size for every day; `make bombs` reads those of a million packets."""

from __future__ import annotations

import re
import sys

import pytest

from tests import bombs

MOST_HTML = 2_000_000
MOST_MEMORY = 800_000_000
"""Bytes of the largest process; a report on ten packets needs 170 MB, WeasyPrint's and Polars' libraries included."""
MOST_IN_ALL = 1_500_000_000

pytestmark = [pytest.mark.tshark, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@pytest.mark.parametrize("bomb", bombs.BOMBS, ids=lambda bomb: bomb.name)
def test_a_bomb_costs_no_more_than_it_may(bomb: bombs.Bomb) -> None:
    cost = bombs.tried(bomb)
    assert cost.code == bomb.code, cost.stderr
    assert "Traceback" not in cost.stderr
    assert (cost.report is None) == bool(bomb.code)
    assert cost.html < MOST_HTML
    assert cost.largest < MOST_MEMORY
    assert cost.all < MOST_IN_ALL
    assert cost.left == []
    if bomb.code:
        assert re.search(bomb.told, cost.stderr)
