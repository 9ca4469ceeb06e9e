"""Reports for the renderers' tests: built by hand, as real ones come from the pipeline."""

from __future__ import annotations

from tests.report.sample.basics import (
    DC,
    DROP,
    FILE_HASH,
    GATEWAY,
    HASH,
    HOME,
    PC,
    PRINTER,
    RESOLVER,
    SHOP,
    START,
    at,
    change,
    table,
)
from tests.report.sample.findings import finding, line_up
from tests.report.sample.odd import HOSTILE, hostile, huge
from tests.report.sample.whole import incident, quiet, slow_server

ALL = {"incident": incident, "quiet": quiet, "slow-server": slow_server, "hostile": hostile, "huge": huge}

__all__ = [
    "ALL",
    "DC",
    "DROP",
    "FILE_HASH",
    "GATEWAY",
    "HASH",
    "HOME",
    "HOSTILE",
    "PC",
    "PRINTER",
    "RESOLVER",
    "SHOP",
    "START",
    "at",
    "change",
    "finding",
    "hostile",
    "huge",
    "incident",
    "line_up",
    "quiet",
    "slow_server",
    "table",
]
