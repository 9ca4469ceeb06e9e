"""Bytes that packets carried, read from the capture file itself.

tshark printed every packet's lengths; where the frame lies is known from the file's
framing. So the first bytes of each stream, and frames that hold a known text or magic,
are found without dissecting anything twice.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tshark_report.capture.framing import Frames
from tshark_report.tables.tables import OPENING_SCHEMA, SIGNATURE_SCHEMA

OPENING_BYTES = 256
OPENING_PACKETS = 3
"""Packets with payload of each direction of a stream whose first bytes are kept."""
MOST_OPENINGS = 60_000
"""Rows of the openings table: 10,000 streams. A scan has more streams, but no payload."""
MOST_HITS = 2_000
"""Hits of one signature; more say nothing new."""
PIECE = 16 * 1024 * 1024

SIGNATURES: tuple[tuple[str, bytes], ...] = (
    ("dos-stub", b"This program cannot be run in DOS mode"),
    ("dos-stub", b"This program must be run under Win32"),
    ("elf", b"\x7fELF\x02\x01\x01"),
    ("elf", b"\x7fELF\x01\x01\x01"),
    ("jndi", b"${jndi:"),
    ("windows-shell", b"cmd.exe"),
    ("powershell", b"powershell"),
    ("unix-shell", b"/bin/sh"),
    ("password-file", b"/etc/passwd"),
    ("windows-prompt", b"Microsoft Windows [Version"),
    ("id-output", b"uid=0(root)"),
)
"""Texts and magics that are looked for in every frame. Case matters, as the bytes do."""


@dataclass(frozen=True)
class Sides:
    """What was read beside the tshark pass."""

    openings: pl.DataFrame
    signatures: pl.DataFrame


def read(path: Path, frames: Frames, packets: pl.DataFrame) -> Sides:
    """Openings of all streams and signature hits of a pcap or pcapng file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return Sides(_openings(data, frames, packets), _signatures(data, frames, packets))


def payload_of(data: mmap.mmap, frames: Frames, row: dict[str, object], limit: int) -> bytes:
    """The first `limit` bytes that the packet of `row` (of the packets table) carried, as far as they were captured."""
    number, length, payload = int(str(row["frame"])) - 1, int(str(row["length"])), int(str(row["payload"] or 0))
    if number >= len(frames):
        return b""
    captured, start = frames.captured[number], frames.offset[number]
    protocols = str(row["protocols"] or "").split(":")
    end = length
    if protocols[0] == "eth" and row["ip_length"]:
        # Short Ethernet frames are padded, so the end of the IP packet counts, not of the frame.
        header = 14 + 4 * protocols.count("vlan") + (40 if "ipv6" in protocols else 0)
        inside = header + int(str(row["ip_length"]))
        end = inside if header < inside <= length else length
    at = end - payload
    return bytes(data[start + at : start + min(at + min(payload, limit), captured)]) if 0 <= at < captured else b""


def _openings(data: mmap.mmap, frames: Frames, packets: pl.DataFrame) -> pl.DataFrame:
    carrying = packets.filter(
        (pl.col("payload") > 0) & pl.col("stream").is_not_null() & pl.col("transport").is_in(["tcp", "udp"])
    ).select("frame", "time", "length", "src", "dst", "src_port", "dst_port", "stream", "transport", "protocol",
             "protocols", "payload", "ip_length")  # fmt: skip
    order = pl.int_range(pl.len()).over("transport", "stream", "src", "src_port").alias("order")
    first = carrying.with_columns(order).filter(pl.col("order") < OPENING_PACKETS).head(MOST_OPENINGS)
    bodies = [payload_of(data, frames, row, OPENING_BYTES) for row in first.iter_rows(named=True)]
    made = first.with_columns(pl.Series("data", bodies, dtype=pl.Binary))
    return made.select(pl.col(name).cast(dtype) for name, dtype in OPENING_SCHEMA.items())


def find_all(data: mmap.mmap, needle: bytes) -> Iterator[int]:
    """Offsets of `needle`, in pieces that Python's fast bytes search can work on; at most MOST_HITS."""
    at, hits = 0, 0
    while at < len(data):
        piece = data[at : at + PIECE + len(needle) - 1]
        found = piece.find(needle)
        while found >= 0:
            yield at + found
            hits += 1
            if hits >= MOST_HITS:
                return
            found = piece.find(needle, found + 1)
        at += PIECE


def _signatures(data: mmap.mmap, frames: Frames, packets: pl.DataFrame) -> pl.DataFrame:
    hits: list[tuple[int, str, bytes]] = []
    seen: set[tuple[int, str]] = set()
    for kind, needle in SIGNATURES:
        for offset in find_all(data, needle):
            number = bisect_right(frames.offset, offset) - 1
            if number < 0 or offset + len(needle) > frames.offset[number] + frames.captured[number]:
                continue  # in a header between frames, or across two of them
            if (number + 1, kind) not in seen:
                seen.add((number + 1, kind))
                start = max(frames.offset[number], offset - 64)
                end = min(frames.offset[number] + frames.captured[number], offset + len(needle) + 128)
                hits.append((number + 1, kind, bytes(data[start:end])))
    if not hits:
        return pl.DataFrame(schema=SIGNATURE_SCHEMA)
    made = pl.DataFrame(
        hits, schema={"frame": pl.UInt32(), "kind": pl.String(), "context": pl.Binary()}, orient="row"
    ).join(packets, on="frame", how="inner", maintain_order="left")
    return made.select(pl.col(name).cast(dtype) for name, dtype in SIGNATURE_SCHEMA.items()).sort("frame")
