"""tshark's own statistics as text -> numbers, and whether they agree with what was computed from the packets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tshark_report.tables import statistics
from tshark_report.tables.tables import Tables

CONVERSATION_TITLES = {
    "Ethernet Conversations": "ethernet",
    "IPv4 Conversations": "ipv4",
    "IPv6 Conversations": "ipv6",
    "TCP Conversations": "tcp",
    "UDP Conversations": "udp",
}
"""Headings of `-z conv,...` and the kind of conversation under each."""

_UNITS = {"bytes": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


@dataclass(frozen=True)
class HierarchyLine:
    """One protocol of the protocol hierarchy."""

    protocol: str
    level: int
    frames: int
    bytes: int


@dataclass(frozen=True)
class Exchange:
    """Totals of one conversation; bytes are exact only where the tap does not round."""

    a: str
    b: str
    packets: int
    bytes: int
    exact: bool


@dataclass(frozen=True)
class Reconciliation:
    """Do both agree, and in words how it was compared."""

    agrees: bool
    sentence: str


def hierarchy(texts: Sequence[str]) -> list[HierarchyLine]:
    """Rows of `-z io,phs`, outermost first, summed over the tsharks that each read a part of the capture."""
    if len(texts) == 1:
        return _hierarchy(texts[0])
    # Rows of several parts meet by their path from the outermost protocol, in the order in which they first came.
    total: dict[tuple[str, ...], list[int]] = {}
    for text in texts:
        path: list[str] = []
        for row in _hierarchy(text):
            path[row.level :] = [row.protocol]
            sums = total.setdefault(tuple(path), [0, 0])
            sums[0] += row.frames
            sums[1] += row.bytes
    made: list[HierarchyLine] = []

    def add(parent: tuple[str, ...]) -> None:
        for path, (frames, size) in total.items():
            if path[:-1] == parent:
                made.append(HierarchyLine(path[-1], len(path) - 1, frames, size))
                add(path)

    add(())
    return made


def _hierarchy(taps: str) -> list[HierarchyLine]:
    # tshark 4.6 starts with `frame`, which older ones leave out: it is dropped.
    block = re.search(r"Protocol Hierarchy Statistics\nFilter:[^\n]*\n\n(.*?)\n={10,}", taps, re.DOTALL)
    if block is None:
        return []
    rows = []
    for line in block[1].split("\n"):
        match = re.match(r"^( *)(\S.*?)\s+frames:(\d+) bytes:(\d+)\s*$", line)
        if match:
            rows.append(HierarchyLine(match[2], len(match[1]) // 2, int(match[3]), int(match[4])))
    if rows and rows[0].protocol == "frame":
        rows = [HierarchyLine(r.protocol, r.level - 1, r.frames, r.bytes) for r in rows[1:]]
    return rows


def _size(number: str, unit: str) -> tuple[int, bool]:
    return int(number.replace(",", "")) * _UNITS.get(unit, 1), unit in ("bytes", "")


def conversations(texts: Sequence[str]) -> dict[str, list[Exchange]]:
    """Conversations by kind from `-z conv,...`.

    Two hosts on one link may meet in several parts of a split capture; their Ethernet and IP conversations are summed.
    """
    if len(texts) == 1:
        return _conversations(texts[0])
    total: dict[str, list[Exchange]] = {}
    for text in texts:
        for kind, rows in _conversations(text).items():
            total.setdefault(kind, []).extend(rows)
    for kind in ("ethernet", "ipv4", "ipv6"):
        met: dict[frozenset[str], Exchange] = {}
        for row in total.get(kind, []):
            pair = frozenset((row.a, row.b))
            before = met.get(pair)
            met[pair] = row if before is None else Exchange(
                row.a, row.b, row.packets + before.packets, row.bytes + before.bytes, row.exact and before.exact
            )  # fmt: skip
        if kind in total:
            total[kind] = list(met.values())
    return total


def _conversations(taps: str) -> dict[str, list[Exchange]]:
    made: dict[str, list[Exchange]] = {}
    kind = None
    for line in taps.split("\n"):
        title = line.strip()
        if title in CONVERSATION_TITLES:
            kind = CONVERSATION_TITLES[title]
            made.setdefault(kind, [])
            continue
        if kind is None or "<->" not in line:
            if line.startswith("=") and kind is not None and made.get(kind):
                kind = None
            continue
        left, right = line.split("<->", 1)
        parts = right.split()
        # ADDRESS  frames bytes [unit]  frames bytes [unit]  frames bytes [unit]  start duration
        numbers: list[tuple[int, int, bool]] = []
        at = 1
        while len(numbers) < 3 and at + 1 < len(parts):
            frames, amount = parts[at], parts[at + 1]
            unit = parts[at + 2] if at + 2 < len(parts) and parts[at + 2] in _UNITS else ""
            if not frames.replace(",", "").isdigit() or not amount.replace(",", "").isdigit():
                break
            value, exact = _size(amount, unit)
            numbers.append((int(frames.replace(",", "")), value, exact))
            at += 3 if unit else 2
        if len(numbers) == 3:
            frames_total, bytes_total, exact = numbers[2]
            made[kind].append(Exchange(left.strip(), parts[0], frames_total, bytes_total, exact))
    return made


def reconcile(tables: Tables, texts: Sequence[str]) -> Reconciliation:
    """Compare computed conversations with tshark's: number, packets, and bytes where the tap prints them exactly."""
    tapped = conversations(texts)
    if not tapped:
        return Reconciliation(False, "tshark printed no conversation statistics to compare with")
    differences, compared, rounded = [], 0, False
    for kind, theirs in tapped.items():
        own = statistics.conversations(tables, kind)
        compared += len(theirs)
        packets = sorted(own["packets"].to_list())
        if packets != sorted(t.packets for t in theirs):
            differences.append(
                f"{kind}: {own.height:,} conversations with {sum(packets):,} packets computed, "
                f"{len(theirs):,} with {sum(t.packets for t in theirs):,} in tshark's table"
            )
            continue
        exact = sorted(t.bytes for t in theirs if t.exact)
        rounded = rounded or len(exact) < len(theirs)
        if len(exact) == len(theirs) and exact != sorted(own["bytes"].to_list()):
            differences.append(f"{kind}: bytes differ")
        elif len(exact) < len(theirs) and not _close(own["bytes"].to_list(), theirs):
            differences.append(f"{kind}: bytes differ by more than the tap rounds")
    if differences:
        broken = tables.expert.filter(pl.col("group") == "Malformed")["frame"].n_unique()
        reason = f"; {broken:,} packets are malformed, which tshark's tables leave out half-read" if broken else ""
        return Reconciliation(False, "computed and tapped figures differ: " + "; ".join(differences) + reason)
    note = " (bytes of large conversations to the tap's rounding)" if rounded else ""
    return Reconciliation(
        True, f"{compared:,} conversations agree with tshark's own statistics in packets and bytes{note}"
    )


def _close(own: list[int], theirs: list[Exchange]) -> bool:
    """Sorted sizes agree where the tap is exact, and within its rounding where it is not."""
    for mine, other in zip(sorted(own), sorted(theirs, key=lambda t: t.bytes), strict=True):
        slack = 0 if other.exact else max(1024, other.bytes // 8)
        if abs(mine - other.bytes) > slack:
            return False
    return True
