"""Places and their filters: every filter is accepted by tshark and selects the frames that the place holds."""

from __future__ import annotations

import polars as pl
import pytest

from tests.builders import family, tables
from tests.conftest import fixture_capture
from tshark_report.capture import filters as run_filters
from tshark_report.capture.dissect import Options
from tshark_report.capture.tshark import Tshark
from tshark_report.focus.indicators import KINDS
from tshark_report.focus.places import filter_of, places

TESTED = 60
"""Values of one capture whose filters are run."""


@pytest.mark.parametrize("name", ["staged_incident", "cleartext_logins", "hostile_text", "lateral_smb"])
def test_filters_select_what_was_found(loaded, tshark: Tshark, env: dict[str, str], name: str) -> None:  # noqa: ANN001
    path = fixture_capture(name)
    made = loaded(path).tables
    expected: dict[str, set[int]] = {}
    for place in places(made, frozenset(KINDS)):
        if place.kind in ("address", "port", "mac"):
            # Their filters look into other layers and protocols too; tests of the whole report hold their counts.
            continue
        for value in place.table["value"].unique().sort().to_list()[:4]:
            found = place.table.filter(pl.col("value") == value)
            expected.setdefault(filter_of(place, value, found), set()).update(found["frame"].to_list())
    some = dict(list(expected.items())[:TESTED])
    counter = run_filters.Counter(tshark, path, Options(), env, 60)
    counted, _ = run_filters.counts(counter, list(some))
    assert set(counted) == set(some), "tshark refuses a filter"
    # A field may occur in packets of which the tables keep no row for this place (a name asked for, and answered).
    assert all(counted[each] >= len(frames) for each, frames in some.items())
    assert sum(counted[each] == len(frames) for each, frames in some.items()) >= len(some) / 2


def test_only_what_is_wanted_is_made() -> None:
    made = tables(http=family("http", {"user_agent": "Own/1"}))
    assert [p.kind for p in places(made, frozenset({"user-agent"}))] == ["user-agent"]
    assert list(places(made, frozenset())) == []


def test_urls_from_either_form_of_a_request() -> None:
    rows = family(
        "http",
        {"method": "GET", "host": "Shop.example:80", "uri": "/a"},
        {"method": "GET", "host": "shop.example", "uri": "http://shop.example/a"},
        {"method": "GET", "host": None, "uri": "/b", "dst": "203.0.113.9"},
    )
    place = next(iter(places(tables(http=rows), frozenset({"url"}))))
    assert place.table["value"].to_list() == ["shop.example/a", "shop.example/a", "203.0.113.9/b"]
