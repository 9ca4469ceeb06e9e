"""Did DHCP give hosts an address that they could not use?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, cut, frame_numbers, hosts_text, number, when
from tshark_report.story.words import clock, duration
from tshark_report.tables.tables import Tables

REFUSALS = Threshold(
    3, "messages", "a laptop that moves is refused its old address once, and asks for a new one; twice is a retry"
)
DECLINE, NAK = 4, 6
NAMES = {DECLINE: "refused by the client (DECLINE: the address is in use)", NAK: "refused by the server (NAK)"}


@rule(
    code="NET012",
    name="refused-leases",
    family="transport",
    title="Addresses by DHCP were refused again and again",
    question="Did DHCP give hosts an address that they could not use?",
    answers=("Q7",),
    why=(
        "A server says NAK where the address that a client asks for is not one of its network or is somebody else's; "
        "a client says DECLINE where another host answers for the address it was given. Again and again means two "
        "servers that disagree, a pool that holds addresses in use, or a client that is stuck - and has no network."
    ),
    innocent=(
        Innocent(
            explanation="Many laptops come from another network at once, as after a move or a new address plan.",
            tell_apart="Each is refused once or twice and then gets an address of the new network.",
        ),
    ),
    confirm=(
        "Compare the server identifiers: does a second server answer?",
        "Who has the address that was declined? Ask for it by ARP (arping) from the same network.",
        "Look in the DHCP server's log for the client's hardware address.",
    ),
    references=(
        Reference(title="RFC 2131, 3.1 and 4.3: DHCPNAK and DHCPDECLINE", url="https://www.rfc-editor.org/rfc/rfc2131"),
    ),
    needs=("dhcp",),
    thresholds={"refusals": REFUSALS},
    weight=22,
)
def refused_leases(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client (hardware address) that was refused, or refused, so often."""
    four = tables.dhcp.filter((pl.col("protocol") != "DHCPv6") & pl.col("client_mac").is_not_null())
    refused = four.filter(pl.col("kind").is_in([DECLINE, NAK]))
    groups = refused.group_by("client_mac").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("refusals"))
    for mac in groups.sort(["n", "client_mac"], descending=[True, False]).head(FINDINGS)["client_mac"].to_list():
        rows = refused.filter(pl.col("client_mac") == mac)
        every = four.filter(pl.col("client_mac") == mac)
        name = next((n for n in every["hostname"].to_list() if n), "")
        called = f"{mac} ({cut(name, 60)})" if name else str(mac)
        kinds = [int(k) for k in rows["kind"].unique().sort().to_list()]
        told = " and ".join(f"{rows.filter(pl.col('kind') == k).height:,} {NAMES[k]}" for k in kinds)
        servers = [str(s) for s in every["server"].drop_nulls().unique(maintain_order=True).to_list()]
        first, last = number(rows["time"].min()), number(rows["time"].max())
        yield Draft(
            subject=str(mac),
            hosts=(str(mac), *servers[:3]),
            summary=(
                f"{called} was refused an address by DHCP {count(rows.height, 'time')} within {duration(last - first)} "
                f"from {clock(first)} UTC: {told}"
                + (f"; servers named: {hosts_text(servers)}" if servers else "")
                + "."
            ),
            sentence=f"{called} was refused an address by DHCP {count(rows.height, 'time')}",
            priority="low",
            confidence="high",
            display_filter=filters.all_of(
                filters.at("dhcp.hw.mac_addr", str(mac)), filters.one_of("dhcp.option.dhcp", kinds)
            ),
            frames=frame_numbers(rows),
            evidence=evidence(
                (("frame", "frame"), ("time", "time"), ("client", "text"), ("message", "text"), ("server", "text")),
                [
                    (r["frame"], when(r["time"]), mac, NAMES[r["kind"]], cut(r["server"], 60))
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )
