"""Tables for tests, built from the few columns that a test is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from tshark_report.rules.base import Context, Draft, Rule
from tshark_report.settings import Settings
from tshark_report.tables.schema import EXPERT_SCHEMA, FAMILY_SCHEMA, PACKET_SCHEMA
from tshark_report.tables.tables import FILE_SCHEMA, OPENING_SCHEMA, SIGNATURE_SCHEMA, Tables

START = 1_700_000_000.0
"""Seconds since 1970 of the first packet in tests: 2023-11-14 22:13:20 UTC."""

CLIENT, SERVER, OUTSIDE = "10.0.0.5", "10.0.0.80", "203.0.113.9"

PACKET_DEFAULTS: dict[str, Any] = {
    "length": 60,
    "protocol": "TCP",
    "protocols": "eth:ethertype:ip:tcp",
    "eth_src": "02:00:00:00:00:05",
    "eth_dst": "02:00:00:00:00:80",
    "src": CLIENT,
    "dst": OUTSIDE,
    "src_port": 40000,
    "dst_port": 443,
    "stream": 0,
    "transport": "tcp",
    "ttl": 64,
    "ip_id": 0,
    "ip_flags": 0x40,
    "fragment_offset": 0,
    "more_fragments": False,
    "ip_length": 46,
    "flags": 0x10,
    "seq": 1,
    "ack": 1,
    "payload": 0,
    "window": 64240,
}


def _frame(rows: Iterable[Mapping[str, Any]], schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> pl.DataFrame:
    made = []
    for place, row in enumerate(rows):
        unknown = set(row) - set(schema)
        if unknown:
            raise KeyError(f"no such column: {sorted(unknown)}")
        base = {"frame": place + 1, "time": START + place}
        made.append({name: row.get(name, base.get(name, defaults.get(name))) for name in schema})
    return pl.DataFrame(made, schema=dict(schema))


def packets(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A packets table: TCP data packets of one stream unless a row says otherwise; one frame and second apart."""
    return _frame(rows, PACKET_SCHEMA, PACKET_DEFAULTS)


def family(name: str, *rows: Mapping[str, Any]) -> pl.DataFrame:
    """A family table (`dns`, `http`, `smb`, ... or `expert`)."""
    schema = EXPERT_SCHEMA if name == "expert" else FAMILY_SCHEMA[name]
    defaults = {
        key: PACKET_DEFAULTS[key] for key in ("length", "src", "dst", "src_port", "dst_port", "stream", "transport")
    }
    return _frame(rows, schema, defaults | {"protocol": name.upper()})


def openings(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """An openings table; `data` is bytes."""
    return _frame(rows, OPENING_SCHEMA, PACKET_DEFAULTS | {"order": 0, "data": b""})


def signatures(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A signatures table; `context` is bytes."""
    return _frame(rows, SIGNATURE_SCHEMA, PACKET_DEFAULTS | {"context": b""})


def files(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A files table."""
    defaults = {"name": "f", "protocol": "http", "source": OUTSIDE, "destination": CLIENT, "bytes": 1, "sha256": "0" * 64,
                "declared_type": "", "detected_type": "", "stream": 0, "uri": "/f", "host": "", "head": b""}  # fmt: skip
    return _frame(rows, FILE_SCHEMA, defaults)


def tables(**made: Any) -> Tables:
    """Tables from frames: `packets=`, `openings=`, `files=`, ... and family names (`dns=`, `http=`)."""
    families = {name: made.pop(name) for name in list(made) if name in FAMILY_SCHEMA}
    return Tables(families=families, **made)


def drafts(rule: Rule, made: Tables, settings: Settings | None = None) -> list[Draft]:
    """What a rule finds in tables."""
    settings = settings or Settings()
    return list(rule.function(made, Context(settings, rule.limits(settings), made)))
