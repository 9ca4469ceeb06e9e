"""VLAN ids, read from the tags of the frames that tshark found to have one (IEEE 802.1Q)."""

from __future__ import annotations

import mmap
from collections import defaultdict
from pathlib import Path

import polars as pl

from tshark_report.capture.framing import Frames

_TAGS = frozenset({b"\x81\x00", b"\x88\xa8", b"\x91\x00"})
_ETHERNET = 1
MOST_TAGS = 4
MOST_OF_A_HOST = 8

Counted = dict[str, tuple[int, int]]
"""VLAN -> packets and bytes on the wire."""


def counted(path: Path, frames: Frames | None, packets: pl.DataFrame) -> tuple[Counted, dict[str, list[str]]]:
    """Packets and bytes of each VLAN, most packets first, and the VLANs that each address sent in.

    A VLAN inside another is written `100.20`, the outer one first.

    Raises:
        OSError: the file cannot be read.
    """
    tagged = packets.filter(pl.col("protocols").str.contains(":vlan", literal=True))
    if frames is None or tagged.is_empty():
        return {}, {}
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    hosts: dict[str, dict[str, None]] = defaultdict(dict)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for number, length, source in tagged.select("frame", "length", "src").iter_rows():
            name = _name(data, frames, number - 1)
            if name:
                totals[name][0] += 1
                totals[name][1] += length
                if source:
                    hosts[source][name] = None
    ordered = sorted(totals.items(), key=lambda one: (-one[1][0], one[0]))
    return (
        {name: (count, size) for name, (count, size) in ordered},
        {address: list(names)[:MOST_OF_A_HOST] for address, names in hosts.items()},
    )


def _name(data: mmap.mmap, frames: Frames, index: int) -> str:
    if index >= len(frames) or frames.link[index] != _ETHERNET:
        return ""
    start = frames.offset[index] + 12
    ids: list[str] = []
    end = frames.offset[index] + frames.captured[index]
    while start + 4 <= end and data[start : start + 2] in _TAGS and len(ids) < MOST_TAGS:
        ids.append(str(int.from_bytes(data[start + 2 : start + 4], "big") & 0x0FFF))
        start += 4
    return ".".join(ids)
