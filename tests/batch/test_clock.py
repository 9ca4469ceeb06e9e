"""The time that is printed on what a batch makes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tshark_report.batch import clock


def test_the_time_now_or_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60
