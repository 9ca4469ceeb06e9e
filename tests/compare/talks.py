"""Two runs of the same small talk for the tests: sessions as packets, read as if from captures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

from tests.normal import office as o
from tshark_report.compare.side import SYN_SCHEMA, Side
from tshark_report.tables.tables import Tables


def side(label: str, made: Tables, syns: list[dict[str, Any]] | None = None) -> Side:
    """Tables as one side of a comparison."""
    capture = SimpleNamespace(original=Path(label), sha256=label.ljust(64, "0"), truncated=False, warnings=[])
    loaded: Any = SimpleNamespace(tables=made, capture=capture)
    return Side(label, loaded, o.facts_of(made), pl.DataFrame(syns or [], schema=SYN_SCHEMA), "4.0")


def shop(
    number: int = 6, *, names: dict[str, str] | None = None, extra: Sequence[list[dict[str, Any]]] = (), **change: Any
) -> Tables:
    """Some sessions with a named shop."""
    several = [o.session(n, at=10.0 * n, **change) for n in range(number)]
    return o.tables(*several, *extra, names=names or {o.SHOP: "www.shop.example"})
