"""DNS014: DNS questions to a port where no DNS is expected."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

USUAL_PORTS = (53, 137, 853, 5353, 5355)
"""DNS, NetBIOS names (same format), DNS over TLS, mDNS and LLMNR."""

HEADER = 12


@rule(
    code="DNS014",
    name="odd-port-dns",
    family="names",
    title="DNS questions went to an unusual port",
    question="Is DNS spoken on a port where nobody looks for it?",
    answers=("Q5", "Q6"),
    why="Tools that watch DNS watch port 53. Questions to another port pass by them, and by a firewall that only knows "
    "port numbers.",
    innocent=(
        Innocent(
            explanation="A local filter or container network runs its resolver on 5300, 5335, 1053 or the like.",
            tell_apart="Both ends are inside, and the resolver on that port is known.",
        ),
        Innocent(
            explanation="Discovery protocols of devices copy the DNS format.",
            tell_apart="They go to multicast or broadcast addresses.",
        ),
    ),
    confirm=("Decode the stream as DNS: tshark -d udp.port==PORT,dns. Do the names make sense?",),
    references=(Reference(title="ATT&CK T1571: Non-Standard Port", url="https://attack.mitre.org/techniques/T1571/"),),
    needs=("openings",),
    thresholds={"queries": Threshold(2, "queries", "two well-formed questions are no accident")},
    weight=30,
)
def odd_port_dns(tables: Tables, context: Context) -> Iterator[Draft]:
    """Parse the first payloads of UDP streams on other ports as a DNS question, strictly."""
    rows = tables.openings.filter(
        (pl.col("transport") == "udp")
        & ~pl.col("src_port").is_in(USUAL_PORTS)
        & ~pl.col("dst_port").is_in(USUAL_PORTS)
        & pl.col("payload").is_between(HEADER + 5, 300)
        & pl.col("protocol").is_in(["UDP", "DATA", "DNS"])
    )
    # QR, opcode and Z are zero in a question; one question, no answer, no authority.
    body = pl.col("data")
    rows = rows.filter(body.bin.encode("hex").str.contains(r"^.{4}0[0-3][0-3]0000100000000000[0-2]"))
    parsed = [(question(row["data"]), row) for row in rows.iter_rows(named=True)]
    groups: dict[tuple[str, int], list[tuple[str, dict[str, object]]]] = {}
    for name, row in parsed:
        if name is not None:
            groups.setdefault((row["dst"], row["dst_port"]), []).append((name, row))
    for (server, port), found in list(groups.items())[: c.MOST_FINDINGS]:
        if len(found) < context.limit("queries"):
            continue
        names = list(dict.fromkeys(name for name, _ in found))
        clients = list(dict.fromkeys(str(row["src"]) for _, row in found))
        to_it = tables.packets.filter(
            (pl.col("dst") == server) & (pl.col("dst_port") == port) & (pl.col("transport") == "udp")
        )
        yield Draft(
            subject=f"{server} port {port}",
            hosts=(clients[0], server, *clients[1:4]),
            summary=(
                f"{c.listed(clients)} sent DNS questions to {server}, UDP port {port}, not to port 53, "
                f"{c.minutes(c.first_time(to_it), c.last_time(to_it))}: {c.listed([c.cut(n, 80) for n in names])} "
                f"({c.count(to_it.height, 'packet')} to that port)."
            ),
            sentence=f"{clients[0]} asked {server} for {c.cut(names[0], 80)} by DNS on UDP port {port}",
            priority="low" if context.is_outside(server) else "info",
            confidence="high",
            display_filter=filters.all_of("!icmp && !icmpv6", filters.dst(server), filters.dst_port("udp", port)),
            frames=c.frames_of(to_it),
            evidence=evidence(
                (("time", "time"), ("frame", "frame"), ("client", "address"), ("name", "text")),
                [(row["time"], row["frame"], row["src"], c.cut(name, 200)) for name, row in found],  # type: ignore[misc]
            ),
            time=c.first_time(to_it),
        )


def question(data: bytes) -> str | None:
    """The name that a well-formed DNS question asks for; None for anything else."""
    if len(data) < HEADER + 5:
        return None
    labels, at = [], HEADER
    while at < len(data) and data[at]:
        length = data[at]
        label = data[at + 1 : at + 1 + length]
        if length > 63 or len(label) < length or not all(0x21 <= byte < 0x7F for byte in label):
            return None
        labels.append(label.decode("ascii"))
        at += length + 1
    if not labels or at + 5 > len(data):
        return None
    kind, space = struct.unpack_from(">HH", data, at + 1)
    return ".".join(labels) if kind in c.TYPES and space in (1, 255) else None
