"""Charts as inline SVG: no script, nothing fetched, a title and a description in words on each."""

from __future__ import annotations

from tshark_report.report.charts.hierarchy import icicle
from tshark_report.report.charts.small import Spark, path_times, sparks
from tshark_report.report.charts.talkers import talkers
from tshark_report.report.charts.timeline import by_protocol, timeline

__all__ = ["Spark", "by_protocol", "icicle", "path_times", "sparks", "talkers", "timeline"]
