"""LAT008: SMB 1 was in use."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import called, minutes, names, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

SESSION_SETUP = 0x73


@rule(
    code="LAT008",
    name="smb1-in-use",
    family="access",
    title="SMB 1 was in use",
    question="Does anybody still speak SMB 1?",
    answers=(),
    why="SMB 1 has no protection worth the name, its flaws are those of MS17-010, and Windows has it switched off "
    "since 2017.",
    innocent=(
        Innocent(
            explanation="An old scanner, printer or machine control speaks nothing else.",
            tell_apart="It is one known device, kept apart from the rest.",
        ),
    ),
    confirm=("Which device needs it? Switch SMB 1 off everywhere else.",),
    references=(
        Reference(
            title="Microsoft: Stop using SMB1",
            url="https://techcommunity.microsoft.com/blog/filecab/stop-using-smb1/425858",
        ),
    ),
    needs=("smb",),
    thresholds={
        "sessions": Threshold(
            1, "sessions set up", "a negotiation alone offers SMB 1 to find out what the other side speaks"
        )
    },
    weight=8.0,
)
def smb1_in_use(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for the capture."""
    rows = tables.smb.filter(
        pl.col("command1").list.contains(SESSION_SETUP)
        & ~pl.col("response").fill_null(value=False)
        & pl.col("src").is_not_null()  # SMB straight over NetBEUI has no addresses
    )
    pairs = list(rows.select("src", "dst").unique(maintain_order=True).iter_rows())
    if rows.height < context.limit("sessions"):
        return
    servers = list(dict.fromkeys(server for _, server in pairs))
    clients = list(dict.fromkeys(client for client, _ in pairs))
    systems = [
        o
        for o in tables.smb["native_os"].drop_nulls().unique(maintain_order=True).to_list()
        if o.isprintable() and len(o) > 2
    ]
    told = f" The systems call themselves {names(systems, 4)}." if systems else ""
    yield Draft(
        subject="SMB 1",
        hosts=tuple(dict.fromkeys([*servers[:4], *clients[:4]])),
        summary=(
            f"SMB 1 sessions were set up by {count(len(clients), 'client')} ({listed(clients, 4)}) at "
            f"{count(len(servers), 'server')} "
            f"({listed([called(context, s) for s in servers], 4)}), "
            f"{minutes(float(rows['time'][0]), float(rows['time'][-1]))}.{told}"
        ),
        sentence=f"{clients[0]} set up an SMB 1 session at {called(context, servers[0])}",
        priority="info",
        confidence="high",
        display_filter=filters.all_of(
            filters.any_of("ip", "ipv6"),
            filters.equals("smb.cmd", SESSION_SETUP),
            filters.equals("smb.flags.response", 0),
        ),
        frames=ordered(rows["frame"].to_list()),
        evidence=evidence(
            (("client", "address"), ("server", "address"), ("session set-ups", "count")),
            [[c, s, rows.filter((pl.col("src") == c) & (pl.col("dst") == s)).height] for c, s in pairs[:50]],
            len(pairs),
        ),
        time=float(rows["time"][0]),
    )
