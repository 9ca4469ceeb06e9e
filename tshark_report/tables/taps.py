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


_AMOUNT = r"\s+([\d,]+) ([\d,]+)(?: (bytes|kB|MB|GB|KiB|MiB|GiB))?"
_CONVERSATION = rf"^(?P<a>\S+)\s+<-> (?P<b>\S+){_AMOUNT * 2}" + _AMOUNT
"""ADDRESS <-> ADDRESS  frames bytes [unit], to the left, to the right and in all; start and duration follow."""


def conversations(texts: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Conversations by kind from `-z conv,...`: columns a, b, packets, bytes, exact (false where the tap rounds).

    Two hosts on one link may meet in several parts of a split capture; their Ethernet and IP conversations are summed.
    """
    parts: dict[str, list[pl.DataFrame]] = {}
    for text in texts:
        for section in text.split("\n===="):
            title = section.lstrip("=\n").split("\n", 1)[0].strip()
            if title in CONVERSATION_TITLES:
                parts.setdefault(CONVERSATION_TITLES[title], []).append(_conversations(section))
    made = {kind: pl.concat(rows) for kind, rows in parts.items()}
    for kind in ("ethernet", "ipv4", "ipv6"):
        if len(parts.get(kind, [])) > 1:
            swapped = pl.col("a") > pl.col("b")
            pair = [
                pl.when(swapped).then("b").otherwise("a").alias("a"),
                pl.when(swapped).then("a").otherwise("b").alias("b"),
            ]
            made[kind] = (
                made[kind]
                .with_columns(pair)
                .group_by("a", "b", maintain_order=True)
                .agg(pl.col("packets", "bytes").sum(), pl.col("exact").all())
            )
    return made


def _conversations(section: str) -> pl.DataFrame:
    # Groups: a, b, then frames, amount and unit three times; the last three are the totals.
    found = pl.Series("line", section.split("\n"), dtype=pl.String).str.extract_groups(_CONVERSATION).struct.unnest()
    names = found.columns

    def number(name: str) -> pl.Expr:
        return pl.col(name).str.replace_all(",", "", literal=True).cast(pl.Int64)

    unit = pl.col(names[-1]).fill_null("bytes")
    return found.filter(pl.col("a").is_not_null()).select(
        "a",
        "b",
        number(names[-3]).alias("packets"),
        (number(names[-2]) * unit.replace_strict(list(_UNITS), list(_UNITS.values()), return_dtype=pl.Int64)).alias(
            "bytes"
        ),
        (unit == "bytes").alias("exact"),
    )


def reconcile(tables: Tables, texts: Sequence[str]) -> Reconciliation:
    """Compare computed conversations with tshark's: number, packets, and bytes where the tap prints them exactly."""
    tapped = conversations(texts)
    if not tapped:
        return Reconciliation(False, "tshark printed no conversation statistics to compare with")
    differences, compared, rounded = [], 0, False
    for kind, theirs in tapped.items():
        own = statistics.conversations(tables, kind)
        compared += theirs.height
        if not own["packets"].sort().equals(theirs["packets"].cast(own["packets"].dtype).sort()):
            differences.append(
                f"{kind}: {own.height:,} conversations with {own['packets'].sum():,} packets computed, "
                f"{theirs.height:,} with {theirs['packets'].sum():,} in tshark's table"
            )
            continue
        rounded = rounded or not theirs["exact"].all()
        if not _close(own["bytes"], theirs):
            differences.append(
                f"{kind}: bytes differ" + ("" if theirs["exact"].all() else " by more than the tap rounds")
            )
    if differences:
        broken = tables.expert.filter(pl.col("group") == "Malformed")["frame"].n_unique()
        reason = f"; {broken:,} packets are malformed, which tshark's tables leave out half-read" if broken else ""
        return Reconciliation(False, "computed and tapped figures differ: " + "; ".join(differences) + reason)
    note = " (bytes of large conversations to the tap's rounding)" if rounded else ""
    return Reconciliation(
        True, f"{compared:,} conversations agree with tshark's own statistics in packets and bytes{note}"
    )


def _close(own: pl.Series, theirs: pl.DataFrame) -> bool:
    """Sorted sizes agree where the tap is exact, and within its rounding where it is not."""
    ordered = theirs.sort("bytes")
    slack = pl.when("exact").then(0).otherwise(pl.max_horizontal(pl.lit(1024), pl.col("bytes") // 8))
    apart = (pl.lit(own.cast(pl.Int64).sort()) - pl.col("bytes")).abs()
    return bool(ordered.select((apart <= slack).all()).item()) if ordered.height else True
