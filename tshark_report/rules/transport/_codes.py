"""Findings on servers that answered with error codes: FTP, SMTP and SIP tell trouble in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from tshark_report.report.model import Table
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, evidence
from tshark_report.rules.transport._common import (
    FINDINGS,
    clients_of,
    count,
    cut,
    frame_numbers,
    hosts_text,
    listed,
    number,
    when,
)
from tshark_report.story.words import clock

Meaning = Callable[[int, str | None], str]
"""What a code and the text that came with it say, in words."""


def as_sent(code: int, text: str | None) -> str:  # noqa: ARG001 - a `Meaning`
    """The server's own text."""
    return str(text or "")


@dataclass(frozen=True)
class Codes:
    """Where the codes of a protocol stand, and in which words they are told."""

    column: str
    """The code in the table of the protocol; `src` is who answered."""
    field: str
    """The code in display filters."""
    request: str
    """What was asked, as a singular noun."""
    summary: str
    """With {server}, {requests}, {clients}, {told} and {start}."""
    sentence: str
    """With {server}, {clients} and {told}."""
    text: str = ""
    """Column of the text that came with the code, where there is one."""
    meaning: Meaning = as_sent
    heading: str = "text"
    """Of the last column of the evidence."""


def findings(errors: pl.DataFrame, codes: Codes, context: Context) -> Iterator[Draft]:
    """One finding for each server with at least the threshold `errors` of error answers, most first."""
    for server, rows, clients in _by_server(errors, context.limit("errors")):
        told = _told(rows, codes)
        named = context.named(server)
        yield Draft(
            subject=server,
            hosts=(server, *clients[:4]),
            summary=codes.summary.format(
                server=named,
                requests=count(rows.height, codes.request),
                clients=hosts_text(clients),
                told=told,
                start=clock(number(rows["time"].min())),
            ),
            sentence=codes.sentence.format(server=named, clients=hosts_text(clients, 2), told=told),
            priority="low",
            confidence="high",
            display_filter=_filter(server, rows, codes),
            frames=frame_numbers(rows),
            evidence=_table(rows, codes),
        )


def _by_server(errors: pl.DataFrame, least: float) -> Iterator[tuple[str, pl.DataFrame, list[str]]]:
    """Server, its error answers and its clients, for each server with at least so many; most first."""
    groups = errors.group_by("src").agg(pl.len().alias("n")).filter(pl.col("n") >= least)
    for server in groups.sort(["n", "src"], descending=[True, False]).head(FINDINGS)["src"].to_list():
        rows = errors.filter(pl.col("src") == server)
        yield str(server), rows, clients_of(rows, "dst")


def _told(rows: pl.DataFrame, codes: Codes) -> str:
    """`3 x 550 No such file and 1 x 425`: the codes with what they mean, most frequent first."""
    columns = [codes.column, codes.text] if codes.text else [codes.column]
    counted = rows.group_by(columns, maintain_order=True).agg(pl.len().alias("n"))
    counted = counted.sort("n", descending=True, maintain_order=True)
    told = [
        f"{n:,} x {code} {cut(codes.meaning(code, text[0] if text else None), 60)}".strip()
        for code, *text, n in counted.iter_rows()
    ]
    return listed(told, 4)


def _filter(server: str, rows: pl.DataFrame, codes: Codes) -> str:
    """A server's answers with the codes of these rows."""
    seen = sorted({int(code) for code in rows[codes.column].to_list()})
    return filters.all_of(filters.src(server), filters.one_of(codes.field, seen))


def _table(rows: pl.DataFrame, codes: Codes) -> Table:
    """Evidence: one line for each error answer."""
    return evidence(
        (
            ("frame", "frame"),
            ("time", "time"),
            ("server", "address"),
            ("client", "address"),
            ("code", "count"),
            (codes.heading, "text"),
        ),
        [
            (
                row["frame"], when(row["time"]), row["src"], row["dst"], row[codes.column],
                cut(codes.meaning(row[codes.column], row[codes.text] if codes.text else None)),
            )
            for row in rows.iter_rows(named=True)
        ],
    )  # fmt: skip
