"""The capture against what is normal here and against what a person expects."""

from __future__ import annotations

from typing import Literal

from tshark_report.report.model.basics import Model, Priority


class Lowered(Model, frozen=True, kw_only=True):
    """A finding that was rated lower because the baseline knows it."""

    finding: str
    code: str
    name: str
    subject: str
    before: Priority
    after: Priority
    because: str


class NormalNews(Model, frozen=True, kw_only=True):
    """One thing of this capture that the baseline does not know, or knows in another amount."""

    kind: str
    host: str
    what: str
    mark: str
    usual: str
    """What the baseline knows instead."""
    seen: str
    signs: list[str] = []
    first_frame: int | None = None
    first_time: str | None = None
    display_filter: str = ""


class NormalView(Model, frozen=True, kw_only=True):
    """The capture against a baseline; counts are of findings."""

    file_name: str
    problem: str = ""
    """Why nothing was compared; empty where it was."""
    sentence: str
    remarks: list[str] = []
    created: str = ""
    captures: int = 0
    first: str = ""
    last: str = ""
    networks: list[str] = []
    hosts: int = 0
    usual: int = 0
    new: int = 0
    unusual: int = 0
    not_compared: int = 0
    lowered: list[Lowered] = []
    news: list[NormalNews] = []
    news_total: int = 0


class ExpectedRow(Model, frozen=True, kw_only=True):
    """One expectation against what was seen, or something that nobody expected."""

    verdict: Literal["as expected", "missing", "unexpected", "different"]
    host: str
    what: str
    expected: str
    observed: str
    first_frame: int | None = None
    display_filter: str = ""


class ExpectedView(Model, frozen=True, kw_only=True):
    """The capture against what a person wrote down."""

    file_name: str
    sentence: str
    problem: str = ""
    """Why nothing was compared; empty where it was."""
    rows: list[ExpectedRow] = []
    rows_total: int = 0
    as_expected: int = 0
    missing: int = 0
    unexpected: int = 0
    different: int = 0
