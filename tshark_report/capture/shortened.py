"""A capture written again without what stands in some of its frames, so that every frame keeps its number."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tshark_report.capture import framing
from tshark_report.capture.framing import Frames


def write(source: Path, frames: Frames, kept: Mapping[int, int], upto: int, out: IO[bytes]) -> None:
    """Write the first `upto` frames of `source` to `out`; those in `kept` (numbers from 1) keep so many bytes."""
    stop = frames.end if upto >= len(frames) else int(frames.record[upto])
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = 0
        for number in sorted(each for each in kept if each <= upto):
            start = int(frames.record[number - 1])
            _copy(data, at, start, out)
            record, at = _shortened(data, frames, number - 1, start, kept[number])
            out.write(record)
        _copy(data, at, stop, out)


def _copy(data: mmap.mmap, start: int, end: int, out: IO[bytes]) -> None:
    for at in range(start, end, 1 << 24):
        out.write(data[at : min(end, at + (1 << 24))])


def _shortened(data: mmap.mmap, frames: Frames, place: int, start: int, most: int) -> tuple[bytes, int]:
    """The record of a frame with no more than `most` of its bytes, and where the next one starts."""
    kept = min(most, frames.captured[place])
    content = data[frames.offset[place] : frames.offset[place] + kept]
    if not frames.pcapng:
        seconds, part, captured, wire = struct.unpack_from(frames.order + "IIII", data, start)
        return struct.pack(frames.order + "IIII", seconds, part, kept, wire) + content, start + 16 + captured
    order = frames.order
    kind, length = struct.unpack_from(order + "II", data, start)
    if kind not in (framing.SIMPLE, framing.ENHANCED, framing.OLD_PACKET):  # a section in the other byte order
        order = ">" if order == "<" else "<"
        kind, length = struct.unpack_from(order + "II", data, start)
    if kind == framing.SIMPLE:
        # A simple block has one length, that on the wire, so it cannot hold less: 0 says that there is nothing.
        return struct.pack(order + "IIII", kind, 16, 0, 16), start + length
    head = data[start + 8 : start + 20]
    wire = frames.wire[place]
    padded = content.ljust((kept + 3) // 4 * 4, b"\0")
    block = struct.pack(order + "II", kind, 32 + len(padded)) + head + struct.pack(order + "II", kept, wire)
    return block + padded + struct.pack(order + "I", 32 + len(padded)), start + length
