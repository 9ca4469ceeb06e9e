"""Charts: valid SVG, with words for those who do not see them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from tshark_report.report import addresses, charts
from tshark_report.report.charts import drawing, small
from tshark_report.report.escape import displayable
from tshark_report.report.model import Report

SVG = "{http://www.w3.org/2000/svg}"


def _all(report: Report) -> list[str]:
    shown = displayable(report)
    drawn = [
        charts.timeline(shown, {}),
        charts.talkers(shown),
        charts.by_protocol(shown),
        charts.icicle(shown.statistics.protocol_hierarchy),
        charts.path_times(shown.transport.paths),
        *[
            spark.picture
            for point in shown.starting_points
            if point.line_up
            for spark in charts.sparks(point.line_up, "k")
        ],
    ]
    return [str(one) for one in drawn if one is not None]


@pytest.mark.parametrize("name", sorted(sample.ALL))
def test_charts_are_svg_with_title_and_description(name: str) -> None:
    drawn = _all(sample.ALL[name]())
    assert len(drawn) >= 5
    for text in drawn:
        root = ET.fromstring(text)
        assert root.tag == f"{SVG}svg"
        assert root[0].tag == f"{SVG}title"
        assert root[0].text
        assert root[1].tag == f"{SVG}desc"
        assert root[1].text
        tags = {one.tag.removeprefix(SVG) for one in root.iter()}
        assert tags <= {"svg", "title", "desc", "g", "a", "rect", "line", "path", "circle", "text"}


def test_empty_report_draws_nothing() -> None:
    report = sample.incident()
    empty = sample.change(
        report.statistics,
        conversations=[],
        protocol_hierarchy=[],
        traffic=sample.change(report.statistics.traffic, start=None, buckets=0, series=[]),
    )
    bare = sample.change(
        report, statistics=empty, starting_points=[], transport=sample.change(report.transport, paths=[])
    )
    assert _all(bare) == []


def test_many_hosts_are_grouped() -> None:
    text = str(charts.talkers(displayable(sample.huge())))
    assert "more in" in text
    assert text.count("<circle") < 40


def test_hosts_of_one_side_only_are_split_by_who_asked() -> None:
    report = sample.incident()
    home = [one for one in report.statistics.conversations if one.address_b.startswith("10.")]
    text = str(charts.talkers(sample.change(report, statistics=sample.change(report.statistics, conversations=home))))
    assert "Opened conversations" in text


@pytest.mark.parametrize(
    ("address", "home"),
    [("10.1.2.3", True), ("198.51.100.1", False), ("fe80::1", True), ("0.0.0.0", True), ("2001:db8::1", False)],
)
def test_home_by_range(address: str, home: bool) -> None:
    assert addresses.is_home(address, {}) is home


@given(st.floats(1e-3, 4e9))
def test_time_ticks_are_few_whatever_the_span(seconds: float) -> None:
    ticks = drawing.time_ticks(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), seconds)
    assert len(ticks) <= 9
    assert all(0 <= at <= seconds * 1.001 for at, _ in ticks)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("128", 128.0),
        ("0x1a", 26.0),
        ("-1.5", -1.5),
        ("64,57", 64.0),
        ("", None),
        ("abc", None),
        ("1e999", float("inf")),
    ],
)
def test_value_of(text: str, value: float | None) -> None:
    assert small.value_of(text) == value


def test_the_diagram_on_paper_is_lower_and_says_the_same_addresses() -> None:
    shown = displayable(sample.huge())
    wide, dense = (ET.fromstring(str(charts.talkers(shown, dense=dense))) for dense in (False, True))
    heights = [float(one.get("viewBox", "").split()[3]) for one in (wide, dense)]
    assert heights[1] < heights[0] * 0.6
    labels = [{text.text for text in one.iter(f"{SVG}text") if text.get("font-size") == "11"} for one in (wide, dense)]
    assert labels[0] == labels[1]


def test_intervals_are_said_in_units_of_time() -> None:
    line_up = sample.incident().starting_points[0].line_up
    assert line_up is not None
    column = sample.change(line_up.columns[0], name="interval s", mark="varying")
    rows = [["0.000002"], ["0.5"], ["0.0107"]]
    spark = small.sparks(sample.change(line_up, columns=[column], rows=rows, frames=[1, 2, 3], odd=[]), "k")[0]
    assert spark.name == "interval"
    assert spark.words == "varying, 0.002 ms to 500 ms"
