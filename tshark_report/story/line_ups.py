"""The packets behind a starting point, put under each other so that the eye finds the odd one."""

from __future__ import annotations

import polars as pl

from tshark_report.report.model import LineUp
from tshark_report.story.findings import Fired
from tshark_report.tables.lineup import line_up
from tshark_report.tables.tables import Tables

PACKETS = 24
USUAL = (
    "src",
    "dst",
    "src_port",
    "dst_port",
    "protocol",
    "length",
    "ttl",
    "ip_id",
    "flags",
    "seq",
    "payload",
    "window",
)
"""Columns of the packets table that are lined up, where any of these packets has a value in them."""


def line_up_for(each: Fired, tables: Tables) -> LineUp | None:
    """The first packets of a finding, lined up; None where fewer than two are left."""
    frames = sorted(set(each.draft.frames))
    if len(frames) < 2:
        return None
    rows = tables.packets.filter(pl.col("frame").is_in(frames[:PACKETS])).with_columns(
        pl.col("time").diff().round(6).alias("interval")
    )
    present = [name for name in ("interval", *USUAL) if rows[name].drop_nulls().len() > 0]
    return line_up(rows, present, total=len(frames)) if rows.height > 1 else None
