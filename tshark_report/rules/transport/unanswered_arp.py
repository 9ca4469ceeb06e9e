"""Was a neighbour or gateway asked for and not found?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, number, when
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

REQUESTS = Threshold(3, "requests", "Linux and Windows ask three times before they give up; fewer may be lost")
WITHIN = Threshold(15, "seconds", "in which one sender repeats them: three in a row take 3 s")
TARGETS = Threshold(
    10, "addresses", "a host that asks for so many without answer looks for something; other rules tell that"
)
SHARE = Threshold(10, "percent", "of all packets: then the search for that neighbour is what the capture is about")


@rule(
    code="NET001",
    name="unanswered-arp",
    family="transport",
    title="A neighbour was asked for by ARP and nobody answered",
    question="Was a neighbour or gateway asked for and not found?",
    answers=("Q7",),
    why=(
        "Before a packet can leave, the hardware address of the neighbour or of the gateway must be known. Where "
        "nobody answers, "
        "the host is down, in another VLAN, or the address is wrong; if it is the gateway, everything beyond the "
        "own network is "
        "unreachable."
    ),
    innocent=(
        Innocent(
            explanation="A program remembers a printer, phone or server that has been switched off or moved.",
            tell_apart="The rest of the asking host's traffic goes on undisturbed.",
        ),
        Innocent(
            explanation=(
                "The answer goes to the asker alone, and the capture is taken at a third place of a switched network."
            ),
            tell_apart="Other ARP requests of the capture are not answered either, though the hosts talk.",
        ),
    ),
    confirm=(
        "Is the address in use, and in the same VLAN and prefix as the asker? Compare the asker's mask and "
        "default gateway.",
        "Look in the ARP table of a neighbour and in the switch's address table.",
    ),
    references=(
        Reference(
            title="RFC 826: An Ethernet Address Resolution Protocol", url="https://www.rfc-editor.org/rfc/rfc826"
        ),
    ),
    needs=("arp",),
    thresholds={"requests": REQUESTS, "within": WITHIN, "targets": TARGETS, "share": SHARE},
    weight=27,
)
def unanswered_arp(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each address that nobody answered for."""
    arp = tables.arp.filter(pl.col("target").is_not_null() & pl.col("sender").is_not_null())
    answered = arp.filter(pl.col("opcode") == 2)["sender"].unique()
    # Whoever sends is there: an address that speaks IP or ARP itself exists, whether or not its answer was captured.
    alive = pl.concat([answered, arp["sender"], tables.packets["src"].drop_nulls()]).unique()
    asked = arp.filter(
        (pl.col("opcode") == 1)
        & ~pl.col("target").is_in(alive.implode())
        & (pl.col("sender") != pl.col("target"))
        & (pl.col("sender") != "0.0.0.0")  # noqa: S104 - an ARP probe for one's own address, no answer is expected
        & ~pl.col("target").str.starts_with("169.254.")
        & (pl.col("target") != "0.0.0.0")  # noqa: S104
    )
    if asked.is_empty():
        return
    wide = (
        asked.group_by("sender")
        .agg(pl.col("target").n_unique().alias("n"))
        .filter(pl.col("n") >= context.limit("targets"))
    )
    asked = asked.join(wide, on="sender", how="anti")
    asked = asked.sort("time")
    # So many requests of one sender within the time that it takes to give up: a single one now and then is a habit.
    nth = pl.col("time").shift(int(context.limit("requests")) - 1).over("sender", "target")
    urgent = asked.filter((pl.col("time") - nth) <= context.limit("within"))["target"].unique()
    groups = (
        asked.filter(pl.col("target").is_in(urgent.implode()))
        .group_by("target")
        .agg(pl.len().alias("n"), pl.col("sender").n_unique())
    )
    routers = set(tables.dhcp["router"].drop_nulls().to_list())
    unheard = answered.is_empty()
    for target, number_of, _ in groups.sort(["n", "target"], descending=[True, False]).head(FINDINGS).iter_rows():
        rows = asked.filter(pl.col("target") == target)
        senders = [str(s) for s in rows["sender"].unique(maintain_order=True).to_list()]
        gateway = target in routers
        share = 100 * number_of / max(1, tables.packets.height)
        stuck = _stuck(tables, senders[0])
        priority: Priority = "medium" if gateway or (stuck and share >= context.limit("share")) else "low"
        role = "the gateway that DHCP named" if gateway else "an address of the local network"
        frames = frame_numbers(tables.arp.filter((pl.col("opcode") == 1) & (pl.col("target") == target)))
        yield Draft(
            subject=target,
            hosts=(*senders[:1], target, *senders[1:4]),
            title=f"Nobody answered ARP for {target}",
            summary=(
                f"{hosts_text(senders)} asked {count(number_of, 'time')} by ARP who has {target} ({role}) from "
                f"{clock(number(rows['time'].min()))} to {clock(number(rows['time'].max()))} UTC, and nobody "
                "answered: no packet of that "
                "address is in the capture."
                + (f" {senders[0]} got nothing from any other host either." if stuck else "")
            ),
            sentence=f"{senders[0]} asked by ARP who has {target} and nobody answered ({count(number_of, 'request')})",
            priority=priority,
            confidence="low" if unheard and not stuck else "medium",
            display_filter=filters.all_of(filters.equals("arp.opcode", 1), filters.at("arp.dst.proto_ipv4", target)),
            frames=frames,
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("asked by", "address"),
                    ("hardware address", "text"),
                    ("for", "address"),
                ),
                [(r["frame"], when(r["time"]), r["sender"], r["src_mac"], target) for r in rows.iter_rows(named=True)],
            ),
            line_up=("arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"),
        )


def _stuck(tables: Tables, sender: str) -> bool:
    """Does the asker get no unicast packet from anybody?"""
    return tables.packets.filter((pl.col("dst") == sender) & pl.col("transport").is_not_null()).is_empty()
