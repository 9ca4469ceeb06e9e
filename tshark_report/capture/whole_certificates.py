"""Server certificates, whole, from the bytes of the capture.

A custom column shows only the first 36 bytes of a byte field (`308204f2...` and then an ellipsis; measured with tshark
4.0.17), which ends before the issuer. Those bytes hold the serial number, so they find the certificate in what the
server sent on that stream, and the rest is read from there.
"""

from __future__ import annotations

import mmap

import polars as pl

from tshark_report.capture.framing import Frames
from tshark_report.capture.payload import payload_of

CERTIFICATE_BYTES = 4096
"""Enough for everything in front of the public key, and for most whole certificates."""
STREAM_BYTES = 64 * 1024
"""What a server sends before its certificate is a greeting (STARTTLS) and its hello; chains take a few kB."""
MOST_STREAMS = 5_000
"""Sessions whose certificate is completed; more than that repeat the same few servers."""


def complete(raw: pl.DataFrame, data: mmap.mmap, frames: Frames, packets: pl.DataFrame) -> pl.DataFrame:
    """The raw certificates family with `der` as long as the captured bytes allow; other columns are not touched."""
    cut = raw.filter(pl.col("der").str.contains("…") & pl.col("stream").is_not_null()).head(MOST_STREAMS)
    if cut.is_empty():
        return raw
    sent = packets.filter((pl.col("payload") > 0) & pl.col("stream").is_not_null()).join(
        cut.select("stream", "transport", "src", "src_port").unique(), on=["stream", "transport", "src", "src_port"], how="semi"
    )
    by_stream = {key: rows for key, rows in sent.group_by("stream", "transport", "src", maintain_order=True)}
    whole: dict[int, str] = {}
    for frame, stream, transport, src, der in cut.select("frame", "stream", "transport", "src", "der").iter_rows():
        rows = by_stream.get((stream, transport, src))
        if rows is None:
            continue
        found = _found(bytes.fromhex(_even(der.split("…", 1)[0])), _sent(rows.filter(pl.col("frame") <= frame), data, frames))
        if found:
            whole[frame] = found.hex()
    if not whole:
        return raw
    return raw.with_columns(
        pl.col("frame").replace_strict(list(whole), list(whole.values()), default=pl.col("der"), return_dtype=pl.String).alias("der")
    )


def _even(text: str) -> str:
    plain = text.replace(":", "")
    return plain[: len(plain) // 2 * 2]


def _sent(rows: pl.DataFrame, data: mmap.mmap, frames: Frames) -> bytes:
    """What one side sent, in sequence; a segment that came twice counts once."""
    made = bytearray()
    following: int | None = None
    # Sequence numbers wrap at 2**32; relative to the first they do not within the few kB that are wanted here.
    first = rows["seq"].first()
    pieces = sorted(
        rows.iter_rows(named=True), key=lambda row: ((row["seq"] or 0) - int(str(first or 0))) % 2**32 if first is not None else 0
    )
    for row in pieces:
        payload = payload_of(data, frames, row, STREAM_BYTES)
        if row["seq"] is not None and following is not None:
            overlap = (following - row["seq"]) % 2**32
            if overlap < 2**31:
                payload = payload[overlap:]
        if row["seq"] is not None and payload:
            following = (row["seq"] + row["payload"]) % 2**32
        made += payload
        if len(made) > STREAM_BYTES:
            break
    return bytes(made)


def _found(start: bytes, sent: bytes) -> bytes:
    at = sent.find(start) if len(start) >= 16 else -1
    return sent[at : at + CERTIFICATE_BYTES] if at >= 0 else b""
