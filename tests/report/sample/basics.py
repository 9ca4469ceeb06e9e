"""What the parts of the reports share: hosts, times, tables."""

# ruff: noqa: E501  (rows of data and sentences of prose, one a line)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from tshark_report.report import model as m

M = TypeVar("M", bound=m.Model)


START = datetime(2026, 3, 2, 9, 12, 0, tzinfo=UTC)


PC, GATEWAY, RESOLVER, DC, PRINTER = "10.1.2.3", "10.1.2.1", "10.1.2.53", "10.1.2.10", "10.1.2.40"


SHOP, DROP, HOME = "198.51.100.23", "203.0.113.66", "203.0.113.99"


HASH = "3f2c9a5be1d84e67a0c7b1d2f3e4a5968778695a4b3c2d1e0f9e8d7c6b5a4938"


FILE_HASH = "b3d1f0c2a4958677e8d9cabb0c1d2e3f40516273849506172839404b5c6d7e8f"


def at(seconds: float) -> str:
    """A time of the sample, `seconds` after its start."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def table(columns: list[tuple[str, m.ColumnType]], rows: list[list[m.Cell]], total: int = 0) -> m.Table:
    """A typed table."""
    return m.Table(
        columns=[m.Column(name=name, type=kind) for name, kind in columns], rows=rows, total_rows=total or len(rows)
    )


def change(model: M, **changes: Any) -> M:
    """A copy with some fields replaced."""
    return msgspec.structs.replace(model, **changes)
