"""Tables -> the parts of the report that show without judging: statistics, files, ports, traffic, protocol notes."""

from __future__ import annotations

from typing import Any

import polars as pl

from tshark_report.report import model
from tshark_report.report.formats import link_name
from tshark_report.story.services import known_uses, service_name
from tshark_report.story.words import count, duration, iso_time, listed, size
from tshark_report.tables import statistics, taps
from tshark_report.tables.tables import Tables

ROWS_KEPT = 200
"""Rows of each statistic in the report; totals are always told, and `stats` prints them all."""
BUCKETS = 120
SERIES = 7
EXPERT_ROWS = 60


def statistics_view(tables: Tables, tap_texts: list[str]) -> model.Statistics:
    """Hierarchy, conversations, endpoints, ports, expert and traffic, with the cross-check against tshark's taps."""
    conversations, endpoints = [], []
    conversation_totals, endpoint_totals = {}, {}
    for kind in statistics.KINDS:
        rows = statistics.conversations(tables, kind)
        conversation_totals[kind] = rows.height
        conversations += [_conversation(kind, row) for row in rows.head(ROWS_KEPT).iter_rows(named=True)]
        ends = statistics.endpoints(tables, kind)
        endpoint_totals[kind] = ends.height
        endpoints += [
            model.Endpoint(protocol=kind, **row)  # type: ignore[arg-type]
            for row in ends.head(ROWS_KEPT).iter_rows(named=True)
        ]
    ports = statistics.ports(tables)
    check = taps.reconcile(tables, tap_texts)
    return model.Statistics(
        protocol_hierarchy=[
            model.HierarchyRow(protocol=r.protocol, level=r.level, frames=r.frames, bytes=r.bytes)
            for r in taps.hierarchy(tap_texts)
        ],
        conversations=conversations,
        conversation_totals=model.TotalRows(**conversation_totals),
        endpoints=endpoints,
        endpoint_totals=model.TotalRows(**endpoint_totals),
        ports=[
            model.PortRow(
                service=service_name(row["protocol"], row["port"]),
                known_uses=known_uses(row["protocol"], row["port"]),
                **row,
            )
            for row in ports.head(ROWS_KEPT).iter_rows(named=True)
        ],
        port_total=ports.height,
        expert=expert_view(tables),
        traffic=traffic_view(tables),
        reconciled=check.agrees,
        reconciliation=check.sentence,
    )


def _conversation(kind: str, row: dict[str, Any]) -> model.Conversation:
    a, b = str(row["a"]), str(row["b"])
    return model.Conversation(
        protocol=kind,  # type: ignore[arg-type]
        address_a=a, port_a=row["a_port"], address_b=b, port_b=row["b_port"], stream=row["stream"],
        packets=row["packets"], bytes=row["bytes"], packets_a_to_b=row["packets_ab"], bytes_a_to_b=row["bytes_ab"],
        packets_b_to_a=row["packets_ba"], bytes_b_to_a=row["bytes_ba"], first_time=iso_time(row["first_time"]) or "",
        duration_s=round(row["seconds"], 6), first_frame=row["first_frame"],
        display_filter=_conversation_filter(kind, a, b, row["stream"]),
    )  # fmt: skip


def _conversation_filter(kind: str, a: str, b: str, stream: object) -> str:
    if kind in ("tcp", "udp"):
        return f"{kind}.stream == {stream}"
    field = {"ethernet": "eth", "ipv4": "ip", "ipv6": "ipv6"}[kind]
    return f"{field}.addr == {a} && {field}.addr == {b}"


def expert_view(tables: Tables, most: int | None = EXPERT_ROWS) -> list[model.ExpertRow]:
    """At most `most` kinds of expert items (None: all), most severe and most frequent first.

    Numbers inside a message do not make a kind: where they differ, `n` stands for them.
    """
    if tables.expert.is_empty():
        return []
    severity = pl.col("severity").replace_strict(
        ["Error", "Warning", "Note", "Chat", "Comment"], [0, 1, 2, 3, 4], default=5, return_dtype=pl.Int64
    )
    kind = ["severity", "group", "message", "protocol"]
    plain = pl.col("message").str.replace_all(r"#\d+", "#n").str.replace_all(r"\d{3,}", "n")

    def one(name: str) -> pl.Expr:
        """The only value of a group, null where there are several."""
        return pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first())

    rows = (
        # Thousands of items share a message: it is rewritten once. The most frequent protocol is told.
        tables.expert.group_by(kind)
        .agg(pl.len(), pl.col("frame").min())
        .with_columns(plain.alias("plain"))
        .group_by("severity", "group", "plain", "protocol")
        .agg(pl.col("len").sum(), pl.col("frame").min(), one("message"))
        .sort("len", "protocol", descending=[True, False])
        .group_by("severity", "group", "plain", maintain_order=True)
        .agg(
            pl.col("len").sum().alias("count"),
            pl.col("frame").min().alias("first"),
            pl.col("protocol").first(),
            one("message"),
        )
        .with_columns(pl.coalesce("message", "plain").alias("message"))
        # Group and message last: rows that are alike otherwise must not change places from run to run.
        .sort(
            [severity, pl.col("count"), pl.col("first"), pl.col("group"), pl.col("message")],
            descending=[False, True, False, False, False],
        )
        .head(most if most is not None else tables.expert.height)
    )
    return [
        model.ExpertRow(
            severity=row["severity"] or "", group=row["group"] or "", protocol=row["protocol"] or "",
            summary=row["message"] or "", count=row["count"], first_frame=row["first"],
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip


def traffic_view(tables: Tables) -> model.Traffic:
    """Traffic over time in at most BUCKETS equal parts."""
    start, width, series = statistics.traffic(tables, BUCKETS, SERIES)
    parts = len(next(iter(series.values()))[0]) if series else 0
    return model.Traffic(
        start=iso_time(start) if series else None,
        bucket_s=width,
        buckets=parts,
        series=[model.TrafficSeries(protocol=name, packets=p, bytes=b) for name, (p, b) in series.items()],
    )


def files_view(tables: Tables) -> tuple[list[model.CarriedFile], int]:
    """Files that crossed the wire, in time order, and how many there were."""
    rows = tables.files
    return [
        model.CarriedFile(
            name=row["name"], protocol=row["protocol"], source=row["source"], destination=row["destination"],
            bytes=row["bytes"], sha256=row["sha256"], declared_type=row["declared_type"],
            detected_type=row["detected_type"], frame=row["frame"], time=iso_time(row["time"]),
        )
        for row in rows.head(ROWS_KEPT).iter_rows(named=True)
    ], rows.height  # fmt: skip


def protocol_notes(tables: Tables) -> list[model.ProtocolNote]:
    """The protocols with most packets, each in one line."""
    kept: list[model.ProtocolNote] | None = tables.kept.get("protocol notes")
    if kept is None:
        kept = tables.kept["protocol notes"] = _protocol_notes(tables)
    return kept


def _protocol_notes(tables: Tables) -> list[model.ProtocolNote]:
    rows = (
        tables.packets.group_by("protocol")
        .agg(
            pl.len().alias("packets"),
            pl.col("length").cast(pl.UInt64).sum().alias("bytes"),  # 32 bits would wrap at 4 GiB
            pl.col("src").drop_nulls().n_unique().alias("hosts"),
        )
        .sort(["packets", "protocol"], descending=[True, False])
    )
    return [
        model.ProtocolNote(
            protocol=row["protocol"] or "?",
            sentence=f"{count(row['packets'], 'packet')}, {size(row['bytes'])}"
            + (f", sent by {count(row['hosts'], 'address', 'addresses')}" if row["hosts"] else ""),
        )
        for row in rows.head(40).iter_rows(named=True)
    ]


def overview(tables: Tables, packets: int, link_types: list[str]) -> str:
    """One paragraph: what was captured."""
    addresses = pl.concat([tables.packets[end].unique() for end in ("src", "dst")]).drop_nulls().n_unique()
    seconds = tables.seconds
    top = [n.protocol for n in protocol_notes(tables)[:4]]
    start = iso_time(tables.first_time) or "an unknown time"
    length = f"over {duration(seconds)}" if seconds > 0 else "at one moment"
    carried = int(tables.packets["length"].cast(int).sum())
    between = {0: "", 1: ", by one IP address"}.get(addresses, f", between {addresses:,} IP addresses")
    link = f" of link type {listed([link_name(one) for one in link_types], 3)}" if link_types else ""
    return (
        f"{count(packets, 'packet')}{link}, {size(carried)} on the wire, {length} "
        f"from {start[:19].replace('T', ' ')} UTC{between}; "
        f"mostly {listed(top, 4)}."
    )
