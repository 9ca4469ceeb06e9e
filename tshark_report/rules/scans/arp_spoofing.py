"""Does one MAC address answer for addresses of others?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._claims import claims, is_virtual
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, number, span
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

UNASKED = Threshold(3, "unasked replies", "hosts answer when asked; who overwrites another's entry has to repeat it")
CLAIMED = Threshold(2, "addresses", "to stand between two hosts one has to claim both")

THROUGH = Threshold(3, "IP packets", "one or two may be on their way while an address moves")


@rule(
    code="LNK001",
    name="arp-spoofing",
    family="scans",
    title="One MAC address claimed IP addresses of other hosts by ARP (one MAC for several addresses)",
    question="Does one host answer for others?",
    answers=("Q10",),
    why="ARP has no proof of ownership: the last reply wins. A host that keeps telling a client that it is the"
    " gateway, and the"
    " gateway that it is the client, gets all packets between them, can read and change them, and passes them on.",
    innocent=(
        Innocent(
            explanation="VRRP, HSRP, CARP or a cluster moves an address to its second machine.",
            tell_apart="The address moves once, with gratuitous ARP to everybody, and the old owner stops using it.",
        ),
        Innocent(
            explanation="Proxy ARP: a router, VPN gateway or Wi-Fi bridge answers for hosts behind it.",
            tell_apart="It answers only when asked, and the hosts behind it never answer themselves.",
        ),
        Innocent(
            explanation="A network access control or guest portal that holds back unknown hosts this way.",
            tell_apart="It is a known appliance, and does so for new devices only.",
        ),
    ),
    confirm=(
        "Find the switch port of the MAC address.",
        "Compare the ARP tables of client and gateway with the true owners.",
        "What went through it in clear text in these minutes: logins, cookies, DNS answers?",
    ),
    references=(
        Reference(title="ATT&CK T1557.002 ARP Cache Poisoning", url="https://attack.mitre.org/techniques/T1557/002/"),
        Reference(title="RFC 826, Address Resolution Protocol", url="https://www.rfc-editor.org/rfc/rfc826"),
    ),
    needs=("arp",),
    thresholds={"unasked": UNASKED, "claimed": CLAIMED, "through": THROUGH},
    fields=("arp.src.hw_mac", "arp.src.proto_ipv4"),
    weight=72,
)
def arp_spoofing(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each claiming MAC."""
    said = claims(tables)
    owners = said.group_by("sender").agg(pl.col("src_mac").unique().alias("macs"))
    by_mac = (
        said.group_by("src_mac", "sender", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("claims"),
            pl.col("directed").sum().cast(pl.Int64).alias("unasked"),
            pl.col("time").min(),
            pl.col("time").max().alias("last"),
            pl.col("frame").min(),
            pl.col("target").filter("directed").unique(maintain_order=True).alias("told"),
        )
        .join(owners, on="sender", how="left", maintain_order="left")
    )
    pushed = by_mac.filter(pl.col("unasked") >= context.limit("unasked")).with_columns(
        (pl.col("macs").list.len() > 1).alias("contested")
    )
    grouped = pushed.group_by("src_mac", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("addresses"), pl.col("contested").sum().cast(pl.Int64), pl.col("unasked").sum()
    )
    # A single unasked reply for a contested address is enough where both sides were told, or traffic then came.
    contested = by_mac.filter((pl.col("unasked") >= 1) & (pl.col("macs").list.len() > 1))
    # The true owner repeats itself too, but for one address only: of two that contest one, the busier claims more.
    guilty = grouped.filter((pl.col("addresses") >= context.limit("claimed")) | (pl.col("contested") >= 1))
    told: list[str] = []
    for mac in guilty.sort("addresses", "unasked", descending=True, maintain_order=True)["src_mac"].to_list():
        mine = pushed.filter(pl.col("src_mac") == mac)
        every = by_mac.filter(pl.col("src_mac") == mac)
        if is_virtual(mac) or (mine.height < context.limit("claimed") and not _stronger(by_mac, mine, mac)):
            continue
        told.append(mac)
        if len(told) <= FINDINGS:
            yield _draft(tables, said, mine, every, mac)
    for mac in contested["src_mac"].unique(maintain_order=True).to_list():
        mine = contested.filter(pl.col("src_mac") == mac)
        every = by_mac.filter(pl.col("src_mac") == mac)
        at_home = any(macs == [mac] for macs in every["macs"].to_list())
        if mac in told or is_virtual(mac) or not at_home or len(told) >= FINDINGS:
            continue
        if mine.height >= context.limit("claimed") or _carried(tables, mac, every["sender"].to_list()) >= context.limit(
            "through"
        ):
            told.append(mac)
            yield _draft(tables, said, mine, every, mac)


def _carried(tables: Tables, mac: str, addresses: list[str]) -> int:
    """IP packets that were sent to the MAC for hosts whose addresses it never claimed."""
    rows = tables.packets.filter((pl.col("eth_dst") == mac) & pl.col("dst").is_not_null())
    return rows.filter(~pl.col("dst").is_in(addresses)).height


def _stronger(by_mac: pl.DataFrame, mine: pl.DataFrame, mac: str) -> bool:
    """Of those that contest the address, does this MAC repeat it most, and is it at home at another address?"""
    address = mine["sender"][0]
    others = by_mac.filter((pl.col("sender") == address) & (pl.col("src_mac") != mac))
    at_home = by_mac.filter((pl.col("src_mac") == mac) & (pl.col("sender") != address)).height > 0
    return at_home and others.height > 0 and number(mine["unasked"].max()) > number(others["unasked"].max())


def _through(tables: Tables, mac: str, own: list[str], claimed: list[str]) -> int:
    """IP packets that were sent to the MAC although they were for others, from or to a claimed address."""
    rows = tables.packets.filter((pl.col("eth_dst") == mac) & pl.col("src").is_not_null() & ~pl.col("dst").is_in(own))
    return rows.filter(pl.col("src").is_in(claimed) | pl.col("dst").is_in(claimed)).height


def _draft(tables: Tables, said: pl.DataFrame, mine: pl.DataFrame, every: pl.DataFrame, mac: str) -> Draft:
    claimed = mine["sender"].to_list()
    own = [r["sender"] for r in every.iter_rows(named=True) if r["sender"] not in claimed and r["macs"] == [mac]]
    passed = _through(tables, mac, own, claimed)
    contested = {
        r["sender"]: sorted(m for m in r["macs"] if m != mac) for r in mine.iter_rows(named=True) if len(r["macs"]) > 1
    }
    rows = said.filter((pl.col("src_mac") == mac) & pl.col("sender").is_in(claimed))
    unasked = int(number(mine["unasked"].sum()))
    told = listed(
        [f"{r['sender']} (to {listed(r['told'], 2)})" for r in mine.iter_rows(named=True)], 4, "more addresses"
    )
    owners = "; ".join(f"{address} is also at {', '.join(macs[:2])}" for address, macs in list(contested.items())[:4])
    at_home = f" Its own address is {listed(own, 2)}." if own else ""
    flow = (
        f" {passed:,} IP packets from or to these addresses were then sent to it and passed through it."
        if passed >= THROUGH.value
        else ""
    )
    most = number(mine["unasked"].max())
    strong = bool(contested) or passed >= THROUGH.value
    return Draft(
        subject=own[0] if own else mac,
        hosts=(*own[:1], *claimed[:10]),
        summary=f"MAC {mac} said by ARP, unasked, that it has {told}: {count(unasked, 'ARP reply', 'ARP replies')}"
        " that nobody had asked"
        f" for, {span(number(rows['time'].min()), number(rows['time'].max()))}."
        f" {owners + '.' if owners else ''}{at_home}{flow}"
        " One MAC for several addresses: ARP spoofing (ARP cache poisoning) looks like this, with the MAC between"
        " the others.",
        sentence=f"{own[0] + ' (' + mac + ')' if own else mac} claimed {listed(claimed, 4)} by unasked ARP replies"
        + (f", and {passed:,} packets of these hosts then went through it" if passed >= THROUGH.value else ""),
        priority="high" if strong and len(claimed) >= CLAIMED.value and most >= UNASKED.value else "medium",
        confidence="high" if contested and len(claimed) >= CLAIMED.value else "medium",
        display_filter=filters.all_of(
            filters.at("arp.src.hw_mac", mac),
            filters.any_of(*(filters.at("arp.src.proto_ipv4", c) for c in claimed[:20])),
        ),
        frames=frame_numbers(rows.filter(pl.col("sender").is_in(claimed[:20]))),
        evidence=evidence(
            (
                ("MAC", "text"),
                ("claimed", "address"),
                ("ARP packets", "count"),
                ("unasked replies", "count"),
                ("told to", "text"),
                ("also claimed by", "text"),
                ("first", "time"),
                ("last", "time"),
                ("frame", "frame"),
            ),
            [
                [
                    mac,
                    r["sender"],
                    r["claims"],
                    r["unasked"],
                    listed(r["told"], 4),
                    listed(contested.get(r["sender"], []), 3),
                    r["time"],
                    r["last"],
                    r["frame"],
                ]
                for r in mine.iter_rows(named=True)
            ],
        ),
        indicators=(("mac", mac),),
        line_up=(
            "eth.src",
            "eth.dst",
            "arp.opcode",
            "arp.src.hw_mac",
            "arp.src.proto_ipv4",
            "arp.dst.hw_mac",
            "arp.dst.proto_ipv4",
        ),
    )
