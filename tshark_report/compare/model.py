"""A comparison as data: every renderer reads this and nothing else. Text from the wire stands here raw."""

from __future__ import annotations

from typing import Literal

import msgspec

from tshark_report.report.model import Cell, LineUp, Model, Tool

SCHEMA_VERSION = 1

Area = Literal["resolution", "connection", "encryption", "application", "server", "path", "wire", "receiver", "volume"]
"""Where a difference sits: names, the handshake, TLS, the application's answers, the server's time, the path's length
and round trip, loss, a full receiver, amounts."""


class Capture(Model, frozen=True, kw_only=True):
    """One of the two captures."""

    label: str
    """How the text calls it."""
    file_name: str
    sha256: str
    packets: int
    bytes: int
    first_time: str | None
    last_time: str | None
    duration_s: float
    hosts: int
    truncated: bool = False
    warnings: list[str] = []


class Only(Model, frozen=True, kw_only=True):
    """Something that only one of the captures holds."""

    kind: Literal["host", "exchange", "request", "name", "protocol"]
    what: str
    amount: str
    first_frame: int | None = None
    display_filter: str = ""


class Difference(Model, frozen=True, kw_only=True):
    """One measure of the same exchange that differs between the captures."""

    exchange: str
    area: Area
    aspect: str
    good: str
    bad: str
    good_value: Cell = None
    bad_value: Cell = None
    telling: bool = False
    """Whether it can explain that something fails or is slow."""
    good_frame: int | None = None
    bad_frame: int | None = None
    good_filter: str = ""
    bad_filter: str = ""


class Cause(Model, frozen=True, kw_only=True):
    """What explains best that the second capture differs."""

    area: Area
    exchange: str
    sentence: str
    seconds: float = 0.0
    """Time that it cost in the second capture, as far as that can be told."""


class Parting(Model, frozen=True, kw_only=True):
    """The first packet from which an exchange goes another way in the second capture."""

    exchange: str
    area: Area
    words: str
    good_frame: int | None
    bad_frame: int | None
    good_time: str | None
    bad_time: str | None
    good_filter: str = ""
    bad_filter: str = ""


class LinedUp(Model, frozen=True, kw_only=True):
    """The packets around the parting in both captures."""

    good: LineUp | None
    bad: LineUp | None


class Times(Model, frozen=True, kw_only=True):
    """Where the time of one exchange went in both captures: medians in seconds."""

    exchange: str
    good_rtt: float | None
    bad_rtt: float | None
    good_think: float | None
    bad_think: float | None
    good_seconds: float | None
    bad_seconds: float | None


class Comparison(Model, frozen=True, kw_only=True):
    """Everything that a comparison shows."""

    schema_version: int
    tool: Tool
    generated: str
    title: str
    good: Capture
    bad: Capture
    headline: str
    """The cause in one sentence, or that nothing tells the two apart."""
    same: str
    """What was compared and is the same, so that it can be ruled out."""
    causes: list[Cause]
    parting: Parting | None
    lined_up: LinedUp | None
    partings: list[Parting]
    differences: list[Difference]
    differences_total: int
    only_good: list[Only]
    only_good_total: int
    only_bad: list[Only]
    only_bad_total: int
    times: list[Times]
    exchanges: list[str]
    exchanges_total: int
    remarks: list[str]


def schema() -> dict[str, object]:
    """JSON Schema of a comparison."""
    return msgspec.json.schema(Comparison)
