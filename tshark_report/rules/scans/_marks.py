"""Marks of packets that a program made itself instead of asking its operating system for a connection."""

from __future__ import annotations

import ipaddress

import polars as pl

ENOUGH = 10
"""Packets below which a constant says nothing."""

TTLS = 6
"""TTL values past which they are drawn (nmap draws 37 to 59): a path changes once or twice."""

ZMAP_ID = 54321
"""IP ID that ZMap writes by default (zmap, src/probe_modules/packet.c)."""


def _as_number(address: str) -> int | None:
    try:
        return int(ipaddress.IPv4Address(address))
    except ValueError:
        return None


def crafted(syns: pl.DataFrame) -> str:
    """What all SYNs of one source have alike that an ordinary stack varies: a sentence with a space in front."""
    if syns.height < ENOUGH:
        return ""
    marks: list[str] = []
    ports = syns["src_port"].drop_nulls()
    if ports.n_unique() == 1:
        marks.append(f"the same source port {ports[0]}")
    elif ports.n_unique() == 2 and syns.height >= 4 * ENOUGH:
        marks.append(f"only two source ports ({ports.unique().sort()[0]} and {ports.unique().sort()[1]})")
    numbers = syns["seq"].drop_nulls()
    if syns.height and numbers.len() >= ENOUGH and numbers.n_unique() == 1:
        marks.append(f"the same initial sequence number {numbers[0]}")
    if _follows_target(syns):
        marks.append("the target's address as initial sequence number (as Mirai does)")
    ids = syns["ip_id"].drop_nulls()
    if ids.len() >= ENOUGH and ids.n_unique() == 1 and ids[0]:
        marks.append(f"the same IP ID 0x{ids[0]:04x}" + (" (ZMap's default)" if ids[0] == ZMAP_ID else ""))
    ttls = syns["ttl"].drop_nulls()
    if ttls.n_unique() >= TTLS:
        marks.append(f"{ttls.n_unique()} different TTL values from {ttls.sort()[0]} to {ttls.sort()[-1]}")
    lengths = syns.filter(~pl.col("src").str.contains(":", literal=True))["ip_length"].drop_nulls()
    if lengths.len() >= ENOUGH and lengths.n_unique() == 1 and lengths[0] == 40:
        marks.append("no TCP option")
    if not marks:
        return ""
    told = marks[0] if len(marks) == 1 else ", ".join(marks[:-1]) + " and " + marks[-1]
    return f" All {syns.height:,} SYNs have {told}."


def _follows_target(syns: pl.DataFrame) -> bool:
    targets = syns.select("dst", "seq").drop_nulls().unique().head(200)
    if targets["dst"].n_unique() < ENOUGH:
        return False
    hits = sum(1 for dst, seq in targets.iter_rows() if _as_number(dst) == seq)
    return hits * 10 >= targets.height * 9
