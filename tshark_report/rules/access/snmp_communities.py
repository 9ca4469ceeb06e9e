"""LOG009: SNMP with a community, which is a password in clear text."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, masked, minutes
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count
from tshark_report.tables.tables import Tables

WELL_KNOWN = ("public", "private")
"""Communities that devices are delivered with (CERT advisory CA-2002-03)."""


@rule(
    code="LOG009",
    name="snmp-communities",
    family="access",
    title="SNMP carried a community in clear text",
    question="Did SNMP carry its password in clear text, or was one being tried out?",
    answers=(),
    why="The community of SNMP 1 and 2c is its only password; whoever reads it can read, and sometimes write, the "
    "device's settings.",
    innocent=(
        Innocent(
            explanation="A monitoring server polls its devices with a read-only community.",
            tell_apart="One source, one community, many devices, at even intervals, and the devices answer.",
        ),
    ),
    confirm=(
        "May that community write? Which devices accept it?",
        "Use SNMPv3 with authentication and privacy, or limit SNMP to a management network.",
    ),
    references=(
        Reference(title="RFC 3584: SNMP communities", url="https://www.rfc-editor.org/rfc/rfc3584"),
        Reference(title="ATT&CK T1602.001 SNMP (MIB dump)", url="https://attack.mitre.org/techniques/T1602/001/"),
    ),
    needs=("misc",),
    thresholds={
        "guesses": Threshold(5, "communities", "a monitoring server knows one or two; trying them out needs more"),
    },
    weight=20.0,
)
def snmp_communities(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client."""
    rows = tables.misc.filter(pl.col("snmp_community").is_not_null())
    if rows.is_empty():
        return
    asked = rows.filter(pl.col("dst_port") == 161)
    drafts = []
    for (client,), mine in asked.group_by("src", maintain_order=True):
        drafts.append(_draft(rows, context, str(client), mine))
    drafts.sort(key=lambda draft: (draft.priority != "medium", -len(draft.frames)))
    yield from drafts[:MOST_FINDINGS]


def _draft(rows: pl.DataFrame, context: Context, client: str, mine: pl.DataFrame) -> Draft:
    communities = mine["snmp_community"].unique(maintain_order=True).to_list()
    servers = mine["dst"].unique(maintain_order=True).to_list()
    answered = rows.filter((pl.col("dst") == client) & pl.col("src_port").is_in([161]))["src"].n_unique()
    guessing = len(communities) >= context.limit("guesses")
    known = [c for c in communities if c in WELL_KNOWN]
    own = [c for c in communities if c not in WELL_KNOWN]
    shown = [f'"{c}"' for c in known] + [masked(len(c)) for c in own[:3]]
    priority: Priority = "medium" if guessing else "low" if own else "info"
    first, last = float(mine["time"][0]), float(mine["time"][-1])
    what = (
        f"tried {len(communities)} different SNMP communities"
        if guessing
        else "sent SNMP requests with a community in clear text"
    )
    summary = (
        f"{client} {what} ({', '.join(shown)}) to {count(len(servers), 'address', 'addresses')}"
        f" ({', '.join(called(context, s) for s in servers[:4])}), {minutes(first, last)}; {answered} of them answered."
    )
    return Draft(
        subject=client,
        hosts=(client, *servers[:6]),
        summary=summary,
        sentence=f"{client} {what} to {count(len(servers), 'address', 'addresses')}",
        priority=priority,
        confidence="high" if not guessing else "medium",
        display_filter=filters.all_of(
            filters.src(client),
            filters.exists("snmp.community"),
            filters.dst_port("udp", 161),
        ),
        frames=mine["frame"].to_list(),
        evidence=evidence(
            (("server", "address"), ("requests", "count"), ("communities", "count"), ("first frame", "frame")),
            [
                [server, part.height, part["snmp_community"].n_unique(), int(part["frame"][0])]
                for (server,), part in mine.group_by("dst", maintain_order=True)
            ],
        ),
        time=first,
    )
