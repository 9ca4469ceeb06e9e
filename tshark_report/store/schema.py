"""The stored tables: their names, their columns, and which part of a read capture each one is.

Twenty-odd tables are what rules read, and are read back. The others are worked out from them, or from the report, for
those who query: sessions, names, findings. They are written and never read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from tshark_report.tables import columns
from tshark_report.tables.analysis import ANALYSIS_SCHEMA
from tshark_report.tables.certificates import CERTIFICATE_SCHEMA
from tshark_report.tables.schema import EXPERT_SCHEMA, FAMILY_SCHEMA, LAYER_SCHEMA, PACKET_SCHEMA
from tshark_report.tables.sessions import FLOW_SCHEMA, SESSION_SCHEMA
from tshark_report.tables.tables import FILE_SCHEMA, OPENING_SCHEMA, SIGNATURE_SCHEMA, Tables

if TYPE_CHECKING:
    from tshark_report.report.model import Report

SCHEMA_VERSION = 1
"""Raised when a table or column changes its name or meaning; folders of another version are refused."""

Schema = dict[str, pl.DataType]

FAMILIES: dict[str, str] = {
    name: "certificate_messages" if name == "certificates" else name for name in columns.FAMILY_NAMES
}
"""Family of tables.columns -> name of its table; what a server sent and what it says are two tables."""

READ: dict[str, Schema] = {
    "packets": PACKET_SCHEMA,
    "layers": LAYER_SCHEMA,
    "expert": EXPERT_SCHEMA,
    **{stored: FAMILY_SCHEMA[name] for name, stored in FAMILIES.items()},
    "openings": OPENING_SCHEMA,
    "signatures": SIGNATURE_SCHEMA,
    "files": FILE_SCHEMA,
}
"""Tables from which a report is made again."""

FINDING_SCHEMA: Schema = {
    "id": pl.String(),
    "code": pl.String(),
    "name": pl.String(),
    "title": pl.String(),
    "subject": pl.String(),
    "hosts": pl.List(pl.String()),
    "summary": pl.String(),
    "priority": pl.String(),
    "confidence": pl.String(),
    "display_filter": pl.String(),
    "matched_packets": pl.UInt32(),
    "filter_checked": pl.Boolean(),
    "first_frame": pl.UInt32(),
    "last_frame": pl.UInt32(),
    "first_time": pl.String(),
    "last_time": pl.String(),
}
POINT_SCHEMA: Schema = {
    "rank": pl.UInt32(),
    "subject": pl.String(),
    "hosts": pl.List(pl.String()),
    "headline": pl.String(),
    "story": pl.String(),
    "priority": pl.String(),
    "confidence": pl.String(),
    "findings": pl.List(pl.String()),
    "display_filter": pl.String(),
    "first_time": pl.String(),
    "last_time": pl.String(),
}
CAPTURE_SCHEMA: Schema = {
    "file_name": pl.String(),
    "sha256": pl.String(),
    "file_bytes": pl.UInt64(),
    "file_type": pl.String(),
    "packets": pl.UInt32(),
    "bytes_on_wire": pl.UInt64(),
    "first_time": pl.Float64(),
    "last_time": pl.Float64(),
    "seconds": pl.Float64(),
    "truncated": pl.Boolean(),
    "filter": pl.String(),
    "headline": pl.String(),
    "layer": pl.String(),
}
NAME_SCHEMA: Schema = {"address": pl.String(), "name": pl.String()}

DERIVED: dict[str, Schema] = {
    "tcp_sessions": SESSION_SCHEMA,
    "udp_flows": FLOW_SCHEMA,
    "tcp_analysis": ANALYSIS_SCHEMA,
    "certificates": CERTIFICATE_SCHEMA,
    "names": NAME_SCHEMA,
    "findings": FINDING_SCHEMA,
    "starting_points": POINT_SCHEMA,
    "captures": CAPTURE_SCHEMA,
}
"""Tables for those who query, worked out from the others and from the report."""

TABLES: dict[str, Schema] = READ | DERIVED
"""Every stored table with its columns."""


def frames_of(tables: Tables, report: Report) -> dict[str, pl.DataFrame]:
    """Every stored table of one capture; all of them, with all columns, even where they are empty."""
    made = {
        "packets": tables.packets,
        "layers": tables.layers,
        "expert": tables.expert,
        **{stored: tables.family(name) for name, stored in FAMILIES.items()},
        "openings": tables.openings,
        "signatures": tables.signatures,
        "files": tables.files,
        "tcp_sessions": tables.tcp_sessions,
        "udp_flows": tables.udp_flows,
        "tcp_analysis": tables.analysis,
        "certificates": tables.certificates,
        "names": pl.DataFrame(sorted(tables.names.items()), schema=NAME_SCHEMA, orient="row"),
        "findings": _rows(report.findings, FINDING_SCHEMA),
        "starting_points": _rows(report.starting_points, POINT_SCHEMA),
        "captures": _capture(tables, report),
    }
    return {name: made[name].select(*schema) for name, schema in TABLES.items()}


def tables_of(
    frames: dict[str, pl.DataFrame], link_types: Sequence[str], missing: Sequence[str], not_made: dict[str, str]
) -> Tables:
    """What rules read, from stored tables."""
    return Tables(
        packets=frames["packets"],
        layers=frames["layers"],
        expert=frames["expert"],
        families={name: frames[stored] for name, stored in FAMILIES.items()},
        openings=frames["openings"],
        signatures=frames["signatures"],
        files=frames["files"],
        link_types=tuple(link_types),
        missing_fields=frozenset(missing),
        not_made=not_made,
    )


def _rows(items: Sequence[object], schema: Schema) -> pl.DataFrame:
    return pl.DataFrame({name: [getattr(item, name) for item in items] for name in schema}, schema=schema)


def _capture(tables: Tables, report: Report) -> pl.DataFrame:
    capture = report.capture
    row = {
        "file_name": capture.file_name,
        "sha256": capture.sha256,
        "file_bytes": capture.file_bytes,
        "file_type": capture.file_type,
        "packets": tables.packets.height,
        "bytes_on_wire": capture.bytes_on_wire,
        "first_time": tables.first_time if tables.packets.height else None,
        "last_time": tables.last_time if tables.packets.height else None,
        "seconds": tables.seconds,
        "truncated": capture.truncated,
        "filter": capture.filter,
        "headline": report.verdict.headline,
        "layer": report.verdict.layer,
    }
    return pl.DataFrame([row], schema=CAPTURE_SCHEMA)
