"""Charts as inline SVG: no script, nothing fetched, a title and a description in words on each."""

from __future__ import annotations

from tshark_report.report.charts.hierarchy import icicle
from tshark_report.report.charts.over_time import by_protocol, timeline
from tshark_report.report.charts.small import Spark, path_times, sparks
from tshark_report.report.charts.who_talked import talkers

__all__ = ["Spark", "by_protocol", "icicle", "path_times", "sparks", "talkers", "timeline"]
