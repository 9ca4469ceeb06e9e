"""Were many addresses of the link asked for?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, busiest, frame_numbers, number, several, span, whole
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

TARGETS = Threshold(
    25, "addresses", "a host asks for its gateway and a few neighbours; a search asks for a whole range"
)
WINDOW = Threshold(60, "seconds", "a search asks for them within a minute; a router collects as many over hours")
UNANSWERED = Threshold(
    0.5, "share of the addresses", "hosts that are really spoken to answer; most of a range is empty"
)
DENSE = Threshold(0.3, "share of the range", "asked addresses lie side by side in a search, and scattered otherwise")


@rule(
    code="SCN003",
    name="arp-scan",
    family="scans",
    title="One host asked for many addresses of its link by ARP (ARP scan)",
    question="Did somebody look for hosts on the local link?",
    answers=("Q6",),
    why="A host asks by ARP for those it wants to speak to. Asking for a whole range within seconds is host"
    " discovery, the"
    " first step before ports are tried; nmap, netdiscover, arp-scan and worms do it.",
    innocent=(
        Innocent(
            explanation="A router that is asked from outside for many inside addresses asks for each of them.",
            tell_apart="The asking MAC is the gateway's, and IP packets for these addresses arrive at it at the same"
            " time.",
        ),
        Innocent(
            explanation="Network management, a printer driver or a phone app that looks for devices on its own"
            " network.",
            tell_apart="It repeats at fixed times, from the management host, or ends when the app is closed.",
        ),
    ),
    confirm=(
        "Which of the hosts that answered did it speak to next, and on which ports?",
        "Find the switch port of the MAC address and who uses it.",
    ),
    references=(
        Reference(title="ATT&CK T1018 Remote System Discovery", url="https://attack.mitre.org/techniques/T1018/"),
        Reference(title="RFC 826, Address Resolution Protocol", url="https://www.rfc-editor.org/rfc/rfc826"),
    ),
    needs=("arp",),
    thresholds={"targets": TARGETS, "window": WINDOW, "unanswered": UNANSWERED, "dense": DENSE},
    fields=("arp.opcode", "arp.src.proto_ipv4"),
    weight=52,
)
def arp_scan(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each asking MAC and address."""
    arp = tables.arp.filter(pl.col("sender").is_not_null() & pl.col("target").is_not_null())
    asked = arp.filter((pl.col("opcode") == 1) & (pl.col("sender") != pl.col("target")))
    replies = arp.filter(pl.col("opcode") == 2).select(
        pl.col("sender").alias("target"),
        pl.col("target").alias("sender"),
        pl.lit(True).alias("answered"),  # noqa: FBT003
    )
    first = asked.unique(["src_mac", "sender", "target"], keep="first", maintain_order=True)
    busy = (
        first.with_columns((pl.col("time") / context.limit("window")).floor().alias("step"))
        .group_by("src_mac", "sender", "step")
        .len()
        .group_by("src_mac", "sender")
        .agg(pl.col("len").max())
        .filter(pl.col("len") * 2 >= context.limit("targets"))
    )
    found = 0
    for mac, sender in busy.select("src_mac", "sender").sort("sender").iter_rows():
        mine = first.filter((pl.col("src_mac") == mac) & (pl.col("sender") == sender)).sort("time")
        if busiest(mine["time"], context.limit("window")) < context.limit("targets"):
            continue
        mine = mine.join(replies.unique(), on=["sender", "target"], how="left", maintain_order="left")
        answered = whole(mine["answered"].fill_null(value=False).sum())
        if mine.height - answered < context.limit("unanswered") * mine.height:
            continue
        found += 1
        if found <= FINDINGS:
            yield _draft(tables, context, mine, str(mac), str(sender))


def _density(targets: list[str]) -> float:
    numbers = sorted(int(ipaddress.IPv4Address(t)) for t in targets)
    # The middle nine tenths: one neighbour far away must not hide a range.
    cut = len(numbers) // 20
    kept = numbers[cut : len(numbers) - cut]
    return len(kept) / (kept[-1] - kept[0] + 1)


def _draft(tables: Tables, context: Context, mine: pl.DataFrame, mac: str, sender: str) -> Draft:
    targets = mine["target"].to_list()
    answered = mine.filter(pl.col("answered"))["target"].to_list()
    requests = tables.arp.filter((pl.col("opcode") == 1) & (pl.col("sender") == sender) & (pl.col("src_mac") == mac))
    first, last = number(mine["time"].min()), number(mine["time"].max())
    dense = _density(targets) >= context.limit("dense")
    alive = f"{len(answered):,} answered: {listed(answered, 6)}" if answered else "none answered in this capture"
    return Draft(
        subject=sender,
        hosts=(sender, *answered[:10]),
        summary=f"{sender} ({mac}) asked by ARP for {len(targets):,} different addresses of its link within"
        f" {duration(last - first)}, {span(first, last)} ({requests.height:,} ARP requests), {several(targets)}: an"
        " ARP scan"
        f" by its shape. {alive[0].upper()}{alive[1:]}.",
        sentence=f"{sender} asked by ARP for {count(len(targets), 'address', 'addresses')} within"
        f" {duration(last - first)},"
        f" an ARP scan; {alive}",
        priority="medium" if dense else "low",
        confidence="high" if dense and len(targets) >= 2 * TARGETS.value else "medium",
        display_filter=filters.all_of(
            filters.equals("arp.opcode", 1), filters.at("arp.src.proto_ipv4", sender), filters.at("arp.src.hw_mac", mac)
        ),
        frames=frame_numbers(requests),
        evidence=evidence(
            (("asked for", "address"), ("answered", "text"), ("time", "time"), ("frame", "frame")),
            [
                [row["target"], "yes" if row["answered"] else "no", row["time"], row["frame"]]
                for row in mine.head(200).iter_rows(named=True)
            ],
            mine.height,
        ),
        line_up=("arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "arp.opcode"),
    )
