"""Is one address used by several MAC addresses?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._claims import REDUNDANCY, alternations, claims, is_virtual
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, span
from tshark_report.rules.scans.arp_spoofing import UNASKED
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

ALTERNATIONS = Threshold(
    2, "changes of the MAC", "an address that moves changes once; one that two hosts use goes back and forth"
)
OFTEN = Threshold(
    6,
    "changes of the MAC",
    "between cards of different makers: two machines that take each other's packets all the time",
)


@rule(
    code="LNK002",
    name="address-conflict",
    family="scans",
    title="One IP address was used by several MAC addresses",
    question="Do two machines use the same address?",
    answers=("Q7", "Q10"),
    why="Two machines with one address take each other's packets: connections break at random and come back. The MAC"
    " address"
    " that ARP names last gets the traffic.",
    innocent=(
        Innocent(
            explanation="VRRP, HSRP, CARP or a cluster moved the address to its second machine.",
            tell_apart="It changed once, with gratuitous ARP, and the protocol's own messages are in the capture.",
        ),
        Innocent(
            explanation="One machine with two interfaces on the same link (cable and Wi-Fi, bonding) answers on both.",
            tell_apart="The MAC addresses are of the same vendor, often one number apart.",
        ),
    ),
    confirm=(
        "Which switch ports do the MAC addresses belong to?",
        "Does the DHCP server list the address for one of them?",
    ),
    references=(
        Reference(title="RFC 5227, IPv4 Address Conflict Detection", url="https://www.rfc-editor.org/rfc/rfc5227"),
    ),
    needs=("arp",),
    thresholds={"alternations": ALTERNATIONS, "often": OFTEN},
    fields=("arp.src.hw_mac", "arp.src.proto_ipv4"),
    weight=30,
)
def address_conflict(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each address that goes back and forth; one for all that moved once."""
    said = claims(tables)
    pushy = (
        said.group_by("src_mac", "sender")
        .agg(pl.col("directed").sum())
        .filter(pl.col("directed") >= UNASKED.value)["src_mac"]
        .to_list()
    )
    shared = (
        said.group_by("sender")
        .agg(pl.col("src_mac").unique().sort().alias("macs"))
        .filter(pl.col("macs").list.len() > 1)
    )
    moved: list[tuple[str, list[str]]] = []
    found = 0
    for address, macs in shared.sort("sender").iter_rows():
        real = [m for m in macs if not is_virtual(m)]
        # Who pushes itself in is told by the spoofing rule.
        if len(real) < 2 or any(m in pushy for m in real):
            continue
        mine = said.filter((pl.col("sender") == address) & pl.col("src_mac").is_in(real))
        changes = alternations(list(mine.select("time", "src_mac").iter_rows()))
        if changes < context.limit("alternations"):
            moved.append((address, real))
            continue
        found += 1
        if found <= FINDINGS:
            makers = {mac[:8].lower() for mac in real}
            priority: Priority = "medium" if changes >= context.limit("often") and len(makers) > 1 else "low"
            yield _draft(tables, mine, [(address, real)], priority, f"changed {changes} times between them", address)
    if moved:
        addresses = [a for a, _ in moved[:20]]
        mine = said.filter(pl.col("sender").is_in(addresses))
        yield _draft(tables, mine, moved[:20], "info", "moved once from one to the other", "moved addresses")


def _draft(
    tables: Tables, mine: pl.DataFrame, shared: list[tuple[str, list[str]]], priority: Priority, how: str, subject: str
) -> Draft:
    addresses = [a for a, _ in shared]
    redundancy = sorted(set(tables.packets.filter(pl.col("protocol").is_in(REDUNDANCY))["protocol"].to_list()))
    told = "; ".join(f"{a} by {listed(m, 3)}" for a, m in shared[:4])
    beside = (
        f" {' and '.join(redundancy)} messages are in the capture, which move an address on purpose."
        if redundancy
        else ""
    )
    frames = frame_numbers(mine)
    return Draft(
        subject=subject,
        hosts=tuple(addresses[:10]),
        summary=f"{count(len(shared), 'IP address', 'IP addresses')} used by several MAC addresses"
        f" {span(mine['time'][0], mine['time'][-1])}: {told}; the owner {how}.{beside}",
        sentence=f"{listed(addresses, 3)} {'was' if len(addresses) == 1 else 'were'} claimed by several MAC"
        f" addresses and {how}",
        priority="info" if redundancy else priority,
        confidence="medium",
        display_filter=filters.any_of(*(filters.at("arp.src.proto_ipv4", a) for a in addresses))
        if frames == _every(tables, addresses)
        else filters.all_of(
            filters.any_of(*(filters.at("arp.src.proto_ipv4", a) for a in addresses)),
            filters.any_of(*(filters.at("arp.src.hw_mac", m) for m in dict.fromkeys(mine["src_mac"].to_list()))),
        ),
        frames=frames,
        evidence=evidence(
            (
                ("address", "address"),
                ("MAC", "text"),
                ("ARP packets", "count"),
                ("first", "time"),
                ("last", "time"),
                ("frame", "frame"),
            ),
            [
                list(row)
                for row in mine.group_by("sender", "src_mac", maintain_order=True)
                .agg(
                    pl.len().cast(pl.Int64),
                    pl.col("time").min(),
                    pl.col("time").max().alias("last"),
                    pl.col("frame").min(),
                )
                .iter_rows()
            ],
        ),
        line_up=("arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"),
    )


def _every(tables: Tables, addresses: list[str]) -> list[int]:
    return frame_numbers(tables.arp.filter(pl.col("sender").is_in(addresses)))
