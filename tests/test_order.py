"""Polars may give groups and unique rows in any order: what a report says must not depend on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from tests.conftest import fixture_capture
from tshark_report import pipeline
from tshark_report.reading import Request, opened
from tshark_report.rules import ALL
from tshark_report.rules import base as rules
from tshark_report.story import allowed
from tshark_report.story.findings import to_findings


def shuffled(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.map_batches(lambda rows: rows.sample(fraction=1.0, shuffle=True, seed=7))


class Shuffling:
    """A group-by whose groups come in another order."""

    def __init__(self, grouped: Any) -> None:
        self.grouped = grouped

    def agg(self, *args: Any, **named: Any) -> pl.LazyFrame:
        return shuffled(self.grouped.agg(*args, **named))

    def len(self, *args: Any, **named: Any) -> pl.LazyFrame:
        return shuffled(self.grouped.len(*args, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.grouped, name)


@pytest.fixture
def disorder(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that has Polars shuffle every order that it does not promise."""
    group_by, unique = pl.LazyFrame.group_by, pl.LazyFrame.unique

    def grouped(self: pl.LazyFrame, *by: Any, maintain_order: bool = False, **named: Any) -> Any:
        made = group_by(self, *by, maintain_order=maintain_order, **named)
        return made if maintain_order else Shuffling(made)

    def once(self: pl.LazyFrame, *args: Any, maintain_order: bool = False, **named: Any) -> pl.LazyFrame:
        made = unique(self, *args, maintain_order=maintain_order, **named)
        return made if maintain_order else shuffled(made)

    def start() -> None:
        monkeypatch.setattr(pl.LazyFrame, "group_by", grouped)
        monkeypatch.setattr(pl.LazyFrame, "unique", once)

    return start


def told(capture: Path) -> bytes:
    """Findings, starting points and views of a capture."""
    request = Request(capture, jobs=1)
    with opened(request) as read:
        loaded = read[0]
        outcomes = list(rules.run(ALL, loaded.tables, request.settings, 1))
        drafts, _ = allowed.split(pipeline._sure(outcomes, loaded), request.settings)
        findings = to_findings(drafts, loaded.tables.packets, {}, "capture")
        parts = pipeline._parts(loaded, request.settings)
        views = [getattr(parts, name) for name in parts.__dataclass_fields__]
        statuses = [(each.rule.code, each.status) for each in outcomes]
        return msgspec.json.encode([statuses, findings, pipeline._points(loaded, drafts), views], enc_hook=repr)


@pytest.mark.tshark
@pytest.mark.parametrize("name", ["staged_incident", "lateral_smb", "lossy_wire"])
def test_a_report_is_the_same_in_whatever_order_groups_come(name: str, disorder: Any) -> None:
    before = told(fixture_capture(name))
    disorder()
    assert told(fixture_capture(name)) == before


def test_orders_are_really_shuffled(disorder: Any) -> None:
    rows = pl.DataFrame({"n": list(range(50))})
    disorder()
    assert rows.unique()["n"].to_list() != sorted(rows["n"].to_list())
    assert rows.group_by("n").len()["n"].to_list() != rows["n"].to_list()
    assert rows.group_by("n", maintain_order=True).len()["n"].to_list() == rows["n"].to_list()
