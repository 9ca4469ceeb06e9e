"""What of one capture is compared with other captures: hosts, names, indicators, certificates, user agents, hashes."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tshark_report.batch.records import KINDS, Kind, Seen
from tshark_report.report.formats import parse_time
from tshark_report.report.model import PRIORITIES, Report
from tshark_report.settings import is_address, is_multicast
from tshark_report.tables.tables import Tables

MOST = 1000
"""Values of a kind that are kept of one capture, those with findings and then those in most packets first."""
LONGEST = 500
"""Characters of a value."""

_NOWHERE = frozenset(("0.0.0.0", "::", "127.0.0.1", "::1"))  # noqa: S104 - nothing is bound
_AS_KIND: dict[str, Kind] = {
    "sha256": "sha256",
    "user-agent": "user-agent",
    "domain": "name",
    "ipv4": "host",
    "ipv6": "host",
}


def seen(tables: Tables, report: Report) -> tuple[list[Seen], dict[str, int]]:
    """Values with first and last time and packets, and for each kind how many were left out."""
    worst = _worst(report)
    made: list[Seen] = []
    left: dict[str, int] = {}
    for kind, rows in _rows(tables, report):
        found = [
            Seen(kind, value[:LONGEST], first, last, packets, worst.get((kind, value), ""))
            for value, first, last, packets in rows
            if value and (kind != "host" or _is_somebody(value))
        ]
        found.sort(key=lambda s: (_order(s.priority), -s.packets, s.value))
        if len(found) > MOST:
            left[kind] = len(found) - MOST
        made += found[:MOST]
    return made, left


def _order(priority: str) -> int:
    return PRIORITIES.index(priority) if priority in PRIORITIES else len(PRIORITIES)


def _is_somebody(address: str) -> bool:
    return (
        is_address(address) and not is_multicast(address) and address not in _NOWHERE and not address.endswith(".255")
    )


def _worst(report: Report) -> dict[tuple[str, str], str]:
    """(kind, value) -> highest priority of a finding that is about it."""
    made: dict[tuple[str, str], str] = {}
    priority = {f.id: f.priority for f in report.findings}
    for finding in sorted(report.findings, key=lambda f: PRIORITIES.index(f.priority)):
        for host in finding.hosts:
            made.setdefault(("host", host), finding.priority)
    for each in report.indicators:
        found = priority.get(each.finding, "")
        made.setdefault(("indicator", f"{each.type} {each.value}"), found)
        if each.type in _AS_KIND:
            made.setdefault((_AS_KIND[each.type], each.value), found)
    return made


_Row = tuple[str, float, float, int]


def _rows(tables: Tables, report: Report) -> Iterable[tuple[Kind, list[_Row]]]:
    packets = tables.packets
    sides = pl.concat([packets.select(pl.col(side).alias("value"), "time") for side in ("src", "dst")])
    http, tls, dns = tables.http, tables.tls, tables.dns
    names = pl.concat(
        [
            dns.select(pl.col("name").alias("value"), "time"),
            tls.select(pl.col("server_name").alias("value"), "time"),
            http.select(pl.col("host").str.replace(r":\d+$", "").alias("value"), "time"),
        ]
    ).with_columns(pl.col("value").str.strip_suffix(".").str.to_lowercase())
    certificates = tables.certificates.select(
        pl.format(
            "{} issued by {}, serial {}", *(pl.col(c).fill_null("-") for c in ("subject", "issuer", "serial"))
        ).alias("value"),
        "time",
    )
    made: dict[Kind, list[_Row]] = {
        "host": _grouped(sides),
        "name": _grouped(names.filter(~pl.col("value").map_elements(is_address, return_dtype=pl.Boolean))),
        "certificate": _grouped(certificates),
        "user-agent": _grouped(http.select(pl.col("user_agent").alias("value"), "time")),
        "sha256": _grouped(
            tables.files.select(pl.col("sha256").alias("value"), pl.col("time").fill_null(tables.first_time))
        ),
        "indicator": _indicators(report),
    }
    return [(kind, made[kind]) for kind in KINDS]


def _grouped(rows: pl.DataFrame) -> list[_Row]:
    return (
        rows.drop_nulls()
        .group_by("value")
        .agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"), pl.len().alias("packets"))
        .rows()
    )


def _indicators(report: Report) -> list[_Row]:
    """An indicator is seen from the first to the last packet of its finding."""
    findings = {f.id: f for f in report.findings}
    made: list[_Row] = []
    for each in report.indicators:
        finding = findings.get(each.finding)
        first = parse_time((finding.first_time if finding else None) or report.capture.first_time)
        last = parse_time((finding.last_time if finding else None) or report.capture.last_time)
        if first is not None and last is not None:
            packets = finding.matched_packets if finding else 0
            made.append((f"{each.type} {each.value}", first.timestamp(), last.timestamp(), packets))
    return made
