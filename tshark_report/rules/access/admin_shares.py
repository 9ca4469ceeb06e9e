"""LAT003: administrative shares were opened."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

CONNECT_2, CONNECT_1 = 3, 0x75
ADMIN = r"(?i)(?:^|\\)(?:[a-z]\$|admin\$)$"


@rule(
    code="LAT003",
    name="admin-shares",
    family="access",
    title="Administrative shares were opened",
    question="Who opened whole drives or the Windows folder of another host?",
    answers=(),
    why="C$ and ADMIN$ need administrator rights; opened from an ordinary client, or on many hosts, they show an "
    "account "
    "with reach being used. IPC$ alone is part of every SMB session and is not counted.",
    innocent=(
        Innocent(
            explanation="An administrator at work, inventory, backup or software distribution.",
            tell_apart="The source is an administrator's or management host, and the account belongs to it.",
        ),
    ),
    confirm=(
        "Is that account meant to administer that host from there?",
        "What was opened or written on the share?",
    ),
    references=(
        Reference(
            title="ATT&CK T1021.002 SMB/Windows Admin Shares", url="https://attack.mitre.org/techniques/T1021/002/"
        ),
    ),
    needs=("smb",),
    thresholds={
        "servers": Threshold(
            3, "servers", "administration of one or two hosts is everyday work; more in one capture is worth a look"
        )
    },
    weight=45.0,
)
def admin_shares(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client."""
    opened = tables.smb.filter(
        ~pl.col("response").fill_null(value=False)
        & pl.col("path").str.contains(ADMIN)
        & (pl.col("command2").list.contains(CONNECT_2) | pl.col("command1").list.contains(CONNECT_1))
    )
    drafts = [
        _draft(tables, context, str(client), rows) for (client,), rows in opened.group_by("src", maintain_order=True)
    ]
    drafts.sort(key=lambda draft: -len(draft.hosts))
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, client: str, rows: pl.DataFrame) -> Draft:
    servers = rows["dst"].unique(maintain_order=True).to_list()
    users = (
        tables.smb.filter(
            pl.col("stream").is_in(rows["stream"].drop_nulls().to_list())
            & pl.col("user").is_not_null()
            & (pl.col("user") != "NULL")
        )["user"]
        .unique(maintain_order=True)
        .to_list()
    )
    answers = tables.smb.filter(
        (pl.col("dst") == client)
        & pl.col("response").fill_null(value=False)
        & pl.col("stream").is_in(rows["stream"].drop_nulls().to_list())
        & (pl.col("command2").list.contains(CONNECT_2) | pl.col("command1").list.contains(CONNECT_1))
    )
    refused = answers.filter(pl.col("status") != 0).height
    priority: Priority = "medium" if len(servers) >= context.limit("servers") else "low"
    as_ = f" as {names(users, 3)}" if users else ""
    shares = names(rows["path"].to_list(), 4)
    first, last = float(rows["time"][0]), float(rows["time"][-1])
    summary = (
        f"{client}{as_} opened administrative shares of {count(len(servers), 'host')} "
        f"({listed([called(context, s) for s in servers], 4)}) over SMB, {minutes(first, last)}: {shares}."
        f"{f' {refused} of {answers.height} answers refused it.' if refused else ''}"
    )
    paths = sorted(rows["path"].unique().to_list())
    parts = []
    if rows.filter(pl.col("command2").list.contains(CONNECT_2)).height:
        parts.append(filters.all_of(filters.equals("smb2.cmd", CONNECT_2), filters.one_of("smb2.tree", paths)))
    if rows.filter(pl.col("command1").list.contains(CONNECT_1)).height:
        parts.append(filters.all_of(filters.equals("smb.cmd", CONNECT_1), filters.one_of("smb.path", paths)))
    return Draft(
        subject=client,
        hosts=(client, *servers[:6]),
        summary=summary,
        sentence=f"{client}{as_} opened {cut(rows['path'][0], 60)} over SMB",
        priority=priority,
        confidence="high",
        display_filter=filters.all_of(filters.src(client), filters.any_of(*parts)),
        frames=ordered(rows["frame"].to_list()),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("server", "address"), ("share", "text")),
            [[r["time"], r["frame"], r["dst"], cut(r["path"], 80)] for r in rows.iter_rows(named=True)],
        ),
        time=first,
    )
