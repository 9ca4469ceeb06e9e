"""Does somebody use up all addresses of a DHCP server?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import busiest, frame_numbers, number, span
from tshark_report.tables.tables import Tables

CLIENTS = Threshold(
    50, "client MAC addresses in a minute", "a class of pupils that logs in makes tens, and each goes on to talk"
)
SILENT = Threshold(0.8, "share of the clients", "a real client uses its address; a drawn one is never seen again")
STEP = 60.0
ASKING = (1, 3)
"""DISCOVER and REQUEST (RFC 2132, option 53)."""


@rule(
    code="LNK008",
    name="dhcp-starvation",
    family="scans",
    title="Very many clients asked for an address by DHCP and were not seen again",
    question="Does somebody use up all addresses of a DHCP server?",
    answers=("Q10",),
    why="A DHCP server gives one address to each client MAC. Requests with drawn MAC addresses use up its pool, so"
    " that real"
    " clients get none, or get one from a second, false server.",
    innocent=(
        Innocent(
            explanation="A switch or power cut makes many real clients ask at once.",
            tell_apart="Each of them uses its address afterwards.",
        ),
        Innocent(
            explanation="A wireless network whose phones draw a new MAC address for each visit.",
            tell_apart="They come over hours, not within a minute, and use what they get.",
        ),
    ),
    confirm=("Are the frames of one switch port?", "Does the DHCP server's log say that its pool is empty?"),
    references=(
        Reference(title="RFC 7610, DHCPv6-Shield (and DHCP snooping)", url="https://www.rfc-editor.org/rfc/rfc7610"),
        Reference(title="ATT&CK T1557.003 DHCP Spoofing", url="https://attack.mitre.org/techniques/T1557/003/"),
    ),
    needs=("dhcp",),
    thresholds={"clients": CLIENTS, "silent": SILENT},
    fields=("dhcp.hw.mac_addr",),
    weight=55,
)
def dhcp_starvation(tables: Tables, context: Context) -> Iterator[Draft]:
    """At most one finding."""
    rows = tables.dhcp.filter(pl.col("kind").is_in(ASKING) & pl.col("client_mac").is_not_null())
    clients = rows.group_by("client_mac", maintain_order=True).agg(
        pl.col("time").min(), pl.col("frame").min(), pl.len().cast(pl.Int64).alias("packets")
    )
    peak = busiest(clients["time"], STEP)
    if peak < context.limit("clients"):
        return
    dhcp = tables.dhcp.select("frame")
    talking = tables.packets.join(dhcp, on="frame", how="anti")["eth_src"].drop_nulls().unique()
    silent = clients.filter(~pl.col("client_mac").is_in(talking.implode()))
    if silent.height < context.limit("silent") * clients.height:
        return
    macs = (
        tables.packets.join(rows.select("frame"), on="frame", how="semi")["eth_src"]
        .drop_nulls()
        .value_counts(sort=True)
    )
    servers = (
        tables.dhcp.filter(pl.col("kind").is_in([2, 5, 6]))["src"].drop_nulls().unique(maintain_order=True).to_list()
    )
    given = tables.dhcp.filter(pl.col("kind") == 5)["offered"].n_unique()
    yield Draft(
        subject="DHCP clients",
        hosts=tuple(servers[:5]),
        summary=f"{clients.height:,} client MAC addresses asked for an address by DHCP"
        f" {span(number(rows['time'].min()), number(rows['time'].max()))}, up to {peak:,} new ones in a minute, and"
        f" {silent.height:,} of them"
        f" sent nothing else; the frames came from {macs.height:,} MAC addresses. Servers:"
        f" {', '.join(servers[:3]) or 'none answered'};"
        f" {given:,} addresses given out. DHCP starvation looks like this.",
        sentence=f"{clients['client_mac'][0]} and {clients.height - 1:,} other MAC addresses asked for an address by"
        " DHCP and sent nothing"
        " else",
        priority="medium",
        confidence="medium",
        display_filter=filters.any_of(*(filters.equals("dhcp.option.dhcp", k) for k in ASKING)),
        frames=frame_numbers(
            tables.dhcp.filter(pl.col("kind").is_in(ASKING) & ~pl.col("src").str.contains(":", literal=True))
        ),
        evidence=evidence(
            (("client MAC", "text"), ("first", "time"), ("frame", "frame"), ("requests", "count")),
            [list(row) for row in silent.head(100).iter_rows()],
            silent.height,
        ),
        line_up=("eth.src", "dhcp.hw.mac_addr", "dhcp.option.dhcp", "dhcp.id"),
    )
