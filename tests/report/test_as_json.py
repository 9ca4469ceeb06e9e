"""The report goes out as JSON and comes back the same."""

from __future__ import annotations

import json

import pytest

from tests.report import sample
from tshark_report.errors import UsageError
from tshark_report.report import as_json


@pytest.mark.parametrize("name", ["incident", "quiet", "slow-server"])
def test_round_trip(name: str) -> None:
    report = sample.ALL[name]()
    data = as_json.render(report)
    assert as_json.load(data) == report
    assert data.endswith(b"}\n")


def test_text_from_the_wire_is_raw() -> None:
    report = sample.incident()
    told = sample.change(report, overview="a\u202eb\x1b<script>")
    assert json.loads(as_json.render(told))["overview"] == "a\u202eb\x1b<script>"


def test_text_that_utf8_cannot_hold_is_replaced() -> None:
    assert as_json.load(as_json.render(sample.hostile())).ticket.ticket.count("?") >= 1


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"schema_version": 1}'])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        as_json.load(data)
