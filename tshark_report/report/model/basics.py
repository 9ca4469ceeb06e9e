"""What all parts of the report are made of: its words, its immutable base, and tables with typed columns."""

from __future__ import annotations

from typing import Literal

import msgspec

Priority = Literal["high", "medium", "low", "info"]
Confidence = Literal["high", "medium", "low"]
Layer = Literal["application", "transport", "network", "link", "none", "undecided"]
CheckStatus = Literal["fired", "quiet", "not-applicable", "not-evaluated", "error"]
ColumnType = Literal[
    "text", "address", "port", "count", "bytes", "seconds", "milliseconds", "time", "frame", "percent", "hex"
]
LineUpMark = Literal["constant", "counting", "odd", "varying"]
Cell = str | int | float | bool | None

PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low", "info")
CONFIDENCES: tuple[Confidence, ...] = ("high", "medium", "low")


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything in the report: immutable, no unknown fields.

    `frozen` and `kw_only` are said again on each class: msgspec hands the second down to none, mypy neither.
    """


class Column(Model, frozen=True, kw_only=True):
    """One column of a table: its heading and what its cells are, so that a renderer can format and align them."""

    name: str
    type: ColumnType = "text"


class Table(Model, frozen=True, kw_only=True):
    """Rows under typed columns. `total_rows` counts what there was before the table was cut."""

    columns: list[Column]
    rows: list[list[Cell]]
    total_rows: int
