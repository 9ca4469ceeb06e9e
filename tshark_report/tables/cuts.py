"""Display filters -> the few packets on which each can be counted.

A cut keeps every packet between two addresses or none, so that each conversation is
whole and tshark dissects it as in the whole capture. Frames and streams have other
numbers in a cut; a filter that names them is written with the numbers that they have there.
Filters about the same hosts share a cut: what a cut costs is its packets times its filters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from tshark_report.tables.analysis import KINDS
from tshark_report.tables.anchors import atoms, candidates
from tshark_report.tables.tables import Tables

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_CUTS = 8
START, PACKET, FILTER = 250_000.0, 12.0, 0.2
"""Microseconds that tshark takes to start, to read a packet, and to try one filter on it (measured, tshark 4.0)."""

_FLAGS = {name: text for _, text, name in KINDS} | {"tcp.analysis.retransmission": "retransmission"}
"""What tshark's expert message says of a flag; fast and spurious retransmissions have the plain flag too."""
_QUOTING = r":icmp(v6)?:(?:.*:)?(?:ip|ipv6)(:|$)"
_LAYER_COLUMNS = (
    "src",
    "dst",
    "src_port",
    "dst_port",
    "eth_src",
    "eth_dst",
    "stream",
    "transport",
    "protocols",
    "pair",
)
_STRING = re.compile(r'("(?:\\.|[^"\\])*")', re.DOTALL)
_FRAME = re.compile(r"\bframe\.number (==|>=|<=) (\d+)\b")
_STREAM = re.compile(r"\b(tcp|udp)\.stream == (\d+)\b")
_OTHER_NUMBERS = re.compile(
    r"\b(?:frame\.number(?! (?:==|>=|<=) \d)|(?:tcp|udp)\.stream(?! == \d)"
    r"|frame\.time_relative|frame\.time_delta\w*|\w+\.\w*(?:request|response|reply)\w*_(?:in|to|frame))\b"
)
"""Numbers that a cut changes and that cannot be written anew."""


@dataclass
class Cut:
    """Frames (numbers from 1, ascending) and the filters to count there: as the finding has it -> as it reads there."""

    frames: npt.NDArray[np.int64]
    filters: dict[str, str] = field(default_factory=dict)


@dataclass
class Capture:
    """What cutting needs to know: the pair of each frame, and every stream that has a number."""

    tables: Tables
    pair: npt.NDArray[np.int64]
    """For frame 1, 2, ... the number of its address pair."""
    quoted: pl.DataFrame
    """Streams that ICMP errors quote: columns frame, layer, stream."""

    def pairs(self) -> int:
        """How many address pairs there are."""
        return int(self.pair.max()) + 1 if len(self.pair) else 0

    def streams(self) -> pl.DataFrame:
        """Columns layer, stream, pair: every stream with each pair in which it was seen."""
        seen = [
            rows.filter(pl.col(kind).is_in(["tcp", "udp"]) & pl.col("stream").is_not_null()).select(
                pl.col(kind).alias("layer"), "stream", self.of("frame")
            )
            for rows, kind in (
                (self.tables.packets, "transport"),
                (self.tables.layers, "layer"),
                (self.quoted, "layer"),
            )
        ]
        return pl.concat(seen).unique()

    def of(self, column: str) -> pl.Expr:
        """The pair of the frame in a column."""
        return pl.lit(pl.Series("pair", self.pair)).gather(pl.col(column).cast(pl.Int64) - 1).alias("pair")


def plan(wanted: Sequence[str], capture: Capture) -> tuple[list[Cut], list[str]]:
    """Cuts with their filters, and the filters that need the whole capture.

    A filter that stands in several cuts selects as many packets as it does in all of them together.
    """
    import numpy as np

    if not wanted or not len(capture.pair):
        return [], list(wanted)
    streams = capture.streams()
    complete = _complete(streams)
    chosen: dict[str, npt.NDArray[np.bool_]] = {}
    for each, pairs in _pairs(wanted, capture).items():
        bare = _STRING.sub('""', each)
        if _OTHER_NUMBERS.search(bare) or (_STREAM.search(bare) and not complete):
            continue
        chosen[each] = pairs
    cuts = []
    grouped = _grouped(chosen, capture.pair)
    if len(grouped) == 1:
        grouped = [(half, grouped[0][1]) for half in _halves(grouped[0][0], capture.pair)]
    for pairs, filters in grouped:
        frames = np.flatnonzero(pairs[capture.pair]) + 1
        inside = streams.filter(pl.lit(pl.Series("in", pairs)).gather(pl.col("pair")))
        rename = _renaming(frames, inside)
        cuts.append(Cut(frames, {each: rename(each) for each in filters}))
    return cuts, [each for each in wanted if each not in chosen]


def _complete(streams: pl.DataFrame) -> bool:
    """Is every stream number known? A stream that tshark counted and we have not seen would shift all behind it."""
    ends = streams.group_by("layer").agg(pl.col("stream").max().alias("last"), pl.col("stream").n_unique().alias("n"))
    return all(last + 1 == number for _, last, number in ends.iter_rows())


def _pairs(wanted: Sequence[str], capture: Capture) -> dict[str, npt.NDArray[np.bool_]]:
    """For each filter that is understood the pairs of the packets that it can select."""
    import numpy as np

    packets, layers = capture.tables.packets, capture.tables.layers

    def frames(first: int, last: int) -> pl.Expr:
        found = np.unique(capture.pair[max(first - 1, 0) : max(last, 0)])
        return pl.col("pair").is_in(pl.Series(found).implode()) if len(found) else pl.lit(value=False)

    @cache
    def analysed(name: str) -> pl.Expr:
        text = _FLAGS.get(name)
        said = pl.col("group") == "Sequence" if text is None else pl.col("message").str.contains(text, literal=True)
        return pl.col("pair").is_in(
            capture.tables.expert.filter(said).select(capture.of("frame"))["pair"].unique().implode()
        )

    plain = packets.select(*(c for c in _LAYER_COLUMNS if c != "pair"), capture.of("frame")).unique()
    link = pl.col("layer") == "eth"
    several = (
        layers.join(packets.select("frame", "protocols"), on="frame", how="left")
        .select(
            *(pl.when(~link).then(name).alias(name) for name in ("src", "dst")),
            "src_port", "dst_port",
            *(pl.when(link).then(name).alias(f"eth_{name}") for name in ("src", "dst")),
            "stream", pl.col("layer").alias("transport"), "protocols", capture.of("frame"),
        )
        .unique()
    )  # fmt: skip
    quoting = plain.filter(pl.col("protocols").str.contains(_QUOTING))["pair"].unique().to_numpy()
    made: dict[str, npt.NDArray[np.bool_]] = {}
    known = {each: e for each in wanted if (e := candidates(each, frames, analysed)) is not None}
    if not known:
        return made
    names = {each: f"_{place}" for place, each in enumerate(known)}
    hits = _hits(plain, {names[each]: e for each, e in known.items()})
    inner = _hits(several, {names[each]: atoms(each, frames, analysed) for each in known}) if several.height else {}
    for each, name in names.items():
        mask = np.zeros(capture.pairs(), dtype=bool)
        mask[hits[name]] = True
        if name in inner:
            mask[inner[name]] = True
        # An ICMP error may match by what it quotes.
        mask[quoting] = True
        made[each] = mask
    return made


def _hits(rows: pl.DataFrame, conditions: dict[str, pl.Expr]) -> dict[str, npt.NDArray[Any]]:
    found = rows.select("pair", *(e.fill_null(value=False).alias(name) for name, e in conditions.items()))
    pair = found["pair"]
    return {name: pair.filter(found[name]).unique().to_numpy() for name in conditions}


def _grouped(
    chosen: dict[str, npt.NDArray[np.bool_]], pair: npt.NDArray[np.int64]
) -> list[tuple[npt.NDArray[np.bool_], list[str]]]:
    """Filters gathered so that packets times filters stay few: neighbours in time, or in size, share a cut."""
    import numpy as np

    weight = np.bincount(pair)
    first = np.full(len(weight), len(pair))
    np.minimum.at(first, pair, np.arange(len(pair)))
    place = {each: float(first[mask].mean()) if mask.any() else 0.0 for each, mask in chosen.items()}
    size = {each: int(weight[mask].sum()) for each, mask in chosen.items()}
    best: list[tuple[npt.NDArray[np.bool_], list[str]]] = []
    least = float("inf")
    for order in (place, size):
        ranked = sorted(chosen, key=order.__getitem__)
        for number in range(1, min(MOST_CUTS, len(ranked)) + 1):
            parts = [ranked[len(ranked) * i // number : len(ranked) * (i + 1) // number] for i in range(number)]
            made = [(np.logical_or.reduce([chosen[each] for each in part]), part) for part in parts]
            cost = sum(START + float(weight[mask].sum()) * (PACKET + FILTER * len(part)) for mask, part in made)
            if cost < least:
                best, least = made, cost
    return best


def _halves(pairs: npt.NDArray[np.bool_], pair: npt.NDArray[np.int64]) -> list[npt.NDArray[np.bool_]]:
    """The pairs in two parts of about equal weight for two tsharks; in one where it is not worth a start."""
    import numpy as np

    weight = np.where(pairs, np.bincount(pair, minlength=len(pairs)), 0)
    if float(weight.sum()) * PACKET < 2 * START:
        return [pairs]
    order = np.argsort(-weight, kind="stable")
    running = np.cumsum(weight[order])
    first = np.zeros(len(pairs), dtype=bool)
    first[order[running - weight[order] / 2 <= running[-1] / 2]] = True
    return [pairs & first, pairs & ~first]


def _renaming(frames: npt.NDArray[np.int64], streams: pl.DataFrame) -> Callable[[str], str]:
    """A function that writes a filter with the frame and stream numbers of the cut."""
    import numpy as np

    numbers = {
        (kind, stream): place
        for kind in ("tcp", "udp")
        for place, stream in enumerate(streams.filter(pl.col("layer") == kind)["stream"].unique().sort().to_list())
    }

    def frame(match: re.Match[str]) -> str:
        number = int(match[2])
        if match[1] == "<=":
            return f"frame.number <= {int(np.searchsorted(frames, number, side='right'))}"
        place = int(np.searchsorted(frames, number))
        if match[1] == "==" and not (place < len(frames) and frames[place] == number):
            return "frame.number == 0"
        return f"frame.number {match[1]} {place + 1}"

    def stream(match: re.Match[str]) -> str:
        return f"{match[1]}.stream == {numbers.get((match[1], int(match[2])), 2**32 - 1)}"

    def write(text: str) -> str:
        pieces = _STRING.split(text)
        return "".join(p if p.startswith('"') else _STREAM.sub(stream, _FRAME.sub(frame, p)) for p in pieces)

    return write
