"""Server certificates as bytes, put together from the packets of the handshake.

tshark shows only the first bytes of a certificate in a column. The packets that carried
it are known, and their payloads lie in the file.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

import polars as pl

from tshark_report.capture.framing import Frames
from tshark_report.capture.payload import payload_of

HANDSHAKE_RECORD = 22
CERTIFICATE_MESSAGE = 11
"""TLS record and handshake types (RFC 5246, sections 6.2.1 and 7.4)."""

MOST_CERTIFICATES = 5_000
MOST_BYTES = 64 * 1024
"""Bytes of one direction of a stream that are looked at: a chain of certificates takes 2 to 8 kB."""

_RECORD_START = re.compile(rb"\x16\x03[\x00-\x04]")


def certificates(path: Path, frames: Frames, packets: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """`seen` (the raw certificates table) with `der` made whole, in hexadecimal; what cannot be, keeps its value.

    Raises:
        OSError: the file cannot be read.
    """
    rows = seen.filter((pl.col("transport") == "tcp") & pl.col("stream").is_not_null()).head(MOST_CERTIFICATES)
    if rows.is_empty():
        return seen
    wanted = rows.select("stream", "src", pl.col("frame").alias("until")).unique(["stream", "src"], keep="first")
    carried = (
        packets.filter(
            (pl.col("transport") == "tcp")
            & (pl.col("payload") > 0)
            & pl.col("stream").is_in(wanted["stream"].implode())
        )
        .join(wanted, on=["stream", "src"], how="inner")
        .filter(pl.col("frame") <= pl.col("until"))
        .sort("frame")
    )
    made: dict[tuple[int, str], str] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for key, part in carried.group_by("stream", "src", maintain_order=True):
            der = _first_certificate(_joined(data, frames, part))
            if der:
                made[int(str(key[0])), str(key[1])] = der.hex()
    if not made:
        return seen
    found = pl.DataFrame(
        [(stream, src, der) for (stream, src), der in made.items()],
        schema={"stream": pl.UInt32(), "src": pl.String(), "whole": pl.String()},
        orient="row",
    )
    joined = seen.join(found, on=["stream", "src"], how="left", maintain_order="left")
    # A row without `der` is of a packet in which tshark saw no certificate.
    whole = pl.when(pl.col("der").is_not_null()).then(pl.coalesce("whole", "der"))
    return joined.with_columns(whole.alias("der")).select(seen.columns)


def _joined(data: mmap.mmap, frames: Frames, part: pl.DataFrame) -> bytes:
    """The bytes of one direction in order of sequence numbers, up to the first gap."""
    pieces: list[tuple[int, bytes]] = []
    base: int | None = None
    for row in part.iter_rows(named=True):
        if row["seq"] is None:
            continue
        base = row["seq"] if base is None else base
        # Sequence numbers wrap at 2**32; a handshake lies within the first kilobytes.
        place = (row["seq"] - base + (1 << 31)) % (1 << 32) - (1 << 31)
        pieces.append((place, payload_of(data, frames, row, MOST_BYTES)))
    made = bytearray()
    start = min((place for place, _ in pieces), default=0)
    for place, body in sorted(pieces):
        at = place - start
        if at > len(made) or len(made) > MOST_BYTES:
            break
        made += body[len(made) - at :]
    return bytes(made)


def _first_certificate(stream: bytes) -> bytes:
    """The leaf certificate of the first Certificate message; empty where there is none."""
    for start in _RECORD_START.finditer(stream):
        messages = bytearray()
        at = start.start()
        while at + 5 <= len(stream) and stream[at] == HANDSHAKE_RECORD:
            size = int.from_bytes(stream[at + 3 : at + 5], "big")
            messages += stream[at + 5 : at + 5 + size]
            at += 5 + size
        at = 0
        while at + 4 <= len(messages):
            size = int.from_bytes(messages[at + 1 : at + 4], "big")
            if messages[at] == CERTIFICATE_MESSAGE:
                body = messages[at + 4 : at + 4 + size]
                first = int.from_bytes(body[3:6], "big")
                return bytes(body[6 : 6 + first])
            at += 4 + size
    return b""
