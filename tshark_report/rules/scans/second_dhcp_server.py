"""Do two DHCP servers tell clients different things?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import frame_numbers, number, span
from tshark_report.story.words import listed
from tshark_report.tables.tables import Tables

SERVERS = Threshold(
    2, "servers with different routers", "redundant servers share one configuration, so they name one router"
)
ANSWERS = (2, 5)
"""OFFER and ACK (RFC 2132, option 53)."""


@rule(
    code="LNK009",
    name="second-dhcp-server",
    family="scans",
    title="DHCP servers named different routers to clients of one link (rogue DHCP server)",
    question="Do two DHCP servers tell clients different things?",
    answers=("Q7", "Q10"),
    why="A client takes its address, router and name server from whichever DHCP server answers first. A second"
    " server with"
    " another router takes clients off the network, or draws their traffic through itself.",
    innocent=(
        Innocent(
            explanation="A capture of several links or VLANs, each with its own server.",
            tell_apart="The offered addresses belong to different networks, and each client hears one server only.",
        ),
        Innocent(
            explanation="Somebody plugged a home router in with its LAN side.",
            tell_apart="It offers 192.168.0.x or 192.168.1.x and its MAC address is of a consumer vendor.",
        ),
    ),
    confirm=("Find the switch port of each server.", "Which clients took an address of the second one?"),
    references=(
        Reference(title="ATT&CK T1557.003 DHCP Spoofing", url="https://attack.mitre.org/techniques/T1557/003/"),
        Reference(title="RFC 2131, Dynamic Host Configuration Protocol", url="https://www.rfc-editor.org/rfc/rfc2131"),
    ),
    needs=("dhcp",),
    thresholds={"servers": SERVERS},
    fields=("dhcp.option.dhcp_server_id", "dhcp.option.router"),
    weight=45,
)
def second_dhcp_server(tables: Tables, context: Context) -> Iterator[Draft]:
    """At most one finding: about clients that heard several servers."""
    rows = tables.dhcp.filter(
        pl.col("kind").is_in(ANSWERS)
        & pl.col("server").is_not_null()
        & pl.col("router").is_not_null()
        & pl.col("client_mac").is_not_null()
    )
    # The router option may list several; the first is what clients use.
    rows = rows.with_columns(pl.col("router").str.split(",").list.first())
    told = rows.group_by("client_mac").agg(
        pl.col("server").n_unique().alias("servers"), pl.col("router").n_unique().alias("routers")
    )
    confused = (
        told.filter(pl.min_horizontal("servers", "routers") >= context.limit("servers"))["client_mac"].sort().to_list()
    )
    if not confused:
        return
    heard = rows.filter(pl.col("client_mac").is_in(confused))
    servers = heard["server"].unique(maintain_order=True).to_list()
    mine = tables.dhcp.filter(pl.col("kind").is_in(ANSWERS) & pl.col("server").is_in(servers))
    macs = tables.packets.select("frame", "eth_src")
    by_server = (
        heard.join(macs, on="frame", how="left", maintain_order="left")
        .group_by("server", "router", "eth_src", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("answers"),
            pl.col("offered").unique(maintain_order=True).alias("offered"),
            pl.col("time").min(),
            pl.col("frame").min(),
        )
    )
    each = [f"{r['server']} ({r['eth_src']}) names router {r['router']}" for r in by_server.iter_rows(named=True)]
    yield Draft(
        subject="DHCP servers",
        hosts=tuple(servers[:10]),
        summary=f"{len(servers)} DHCP servers answered the same clients ({listed(confused, 3)}) with different routers"
        f" {span(number(heard['time'].min()), number(heard['time'].max()))}: {listed(each, 4)}.",
        sentence=f"{listed(servers, 3)} answered the same DHCP clients and named different routers",
        priority="medium",
        confidence="medium",
        display_filter=filters.all_of(
            filters.any_of(*(filters.equals("dhcp.option.dhcp", k) for k in ANSWERS)),
            filters.any_of(*(filters.at("dhcp.option.dhcp_server_id", s) for s in servers)),
        ),
        frames=frame_numbers(mine),
        evidence=evidence(
            (
                ("server", "address"),
                ("router", "address"),
                ("MAC", "text"),
                ("answers", "count"),
                ("offered", "text"),
                ("first", "time"),
                ("frame", "frame"),
            ),
            [
                [
                    r["server"],
                    r["router"],
                    r["eth_src"],
                    r["answers"],
                    listed([str(o) for o in r["offered"] if o], 4),
                    r["time"],
                    r["frame"],
                ]
                for r in by_server.iter_rows(named=True)
            ],
        ),
        line_up=("eth.src", "ip.src", "dhcp.option.dhcp_server_id", "dhcp.option.router", "dhcp.ip.your"),
    )
