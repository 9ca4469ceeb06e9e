"""Bytes that packets carried, read from the capture file itself.

tshark printed every packet's lengths; where the frame lies is known from the file's
framing. So the first bytes of each stream, and frames that hold a known text or magic,
are found without dissecting anything twice.
"""

from __future__ import annotations

import mmap
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from tshark_report.capture.framing import Frames
from tshark_report.tables.tables import OPENING_SCHEMA, SIGNATURE_SCHEMA

OPENING_BYTES = 256
OPENING_PACKETS = 3
"""Packets with payload of each direction of a stream whose first bytes are kept."""
ECHO_PACKETS, MOST_ECHOES = 12, 6_000
"""Echo requests and replies of one host to another whose first bytes are kept, and of all hosts."""
MOST_OPENINGS = 60_000
"""Rows of the openings table: 10,000 streams. A scan has more streams, but no payload."""
MOST_HITS = 2_000
"""Hits of one signature; more say nothing new."""
PIECE, CHUNK = 16 * 1024 * 1024, 128 * 1024
"""Bytes searched at a time. Polars looks for a text in many chunks at once three times as fast as Python in one piece
(measured); where in the chunk it stands is then Python's to say."""

SIGNATURES: tuple[tuple[str, bytes], ...] = (
    ("dos-stub", b"This program cannot be run in DOS mode"),
    ("dos-stub", b"This program must be run under Win32"),
    ("mz-header", b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff"),
    ("elf", b"\x7fELF"),
    ("base64-executable", b"TVqQAAMAAAAEAAAA"),
    ("base64-executable", b"AAAAEAAAAMAAQqVT"),
    ("escaped-executable", rb"\x7f\x45\x4c\x46"),
    ("escaped-executable", rb"\x7F\x45\x4C\x46"),
    ("jndi", b"${jndi:"),
    ("nested-look-up", b"${${"),
    ("shellshock", b"() { :"),
    ("windows-shell", b"cmd.exe"),
    ("powershell", b"powershell"),
    ("unix-shell", b"/bin/sh"),
    ("password-file", b"/etc/passwd"),
    ("windows-prompt", b" [Version "),
    ("id-output", b") gid="),
)
"""Texts and magics that are looked for in every frame. Case matters, as the bytes do. `dos-stub` is what Microsoft's
and Borland's linkers put into every program, `mz-header` the usual start of one, `base64-executable` the same start in
Base64, also written backwards, `escaped-executable` the start of an ELF program as a shell's echo is given it. `jndi`,
`nested-look-up` and `shellshock` begin what a logger or a shell of the server evaluates (CVE-2021-44228, -2014-6271).
`windows-prompt` is the banner of every Windows since NT ("Microsoft Windows XP [Version 5.1.2600]") and `id-output`
what `id` prints for any user; both are short, so rules look at the context before they believe a hit. All of them
together cost about 0.7 s for 330 MB."""

EXECUTABLE_SIGNATURES = frozenset({"dos-stub", "mz-header", "elf", "base64-executable", "escaped-executable"})
CONTEXT_BEFORE, CONTEXT_AFTER = 64, 128
EXECUTABLE_BEFORE = 512
"""Bytes kept in front of the start of a program: an HTTP header, or the header of the program whose text was found."""


@dataclass(frozen=True)
class Sides:
    """What was read beside the tshark pass."""

    openings: pl.DataFrame
    signatures: pl.DataFrame


Hits = list[tuple[str, int, int]]
"""(kind, offset in the file, length of what was found)."""


def search(path: Path) -> Hits:
    """Where the signatures stand in the file. It needs nothing else, so it may run while tshark does.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _search(data)


def read(path: Path, frames: Frames, packets: pl.DataFrame, hits: Hits | None = None) -> Sides:
    """Openings of all streams and signature hits (those of `search`, where it ran already) of a pcap or pcapng file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = _search(data) if hits is None else hits
        return Sides(_openings(data, frames, packets), _signatures(data, frames, packets, found))


_PLAIN_ETHERNET = re.compile(r"eth:ethertype:((?:vlan:ethertype:)*)(ip|ipv6)(?=:|$)")
_SNAP = ((b"\xaa\xaa\x03\x00\x00\x00\x08\x00", 0), (b"\xaa\xaa\x03\x00\x00\x00\x86\xdd", 40))
"""LLC/SNAP header in front of IPv4 and IPv6 in 802.11, and the IP header's length that ip_length leaves out."""
WITHOUT_LAYOUT, WIRELESS = -1, -2


@lru_cache(maxsize=65536)
def _network_start(protocols: str) -> int:
    """Bytes in front of what `ip_length` counts, in plain Ethernet; WIRELESS in 802.11; else WITHOUT_LAYOUT."""
    found = _PLAIN_ETHERNET.match(protocols)
    names = protocols.split(":")
    if found and names.count("ip") + names.count("ipv6") == 1:
        return 14 + 4 * found[1].count("vlan") + (40 if found[2] == "ipv6" else 0)
    return WIRELESS if "wlan" in names else WITHOUT_LAYOUT


def payload_of(data: mmap.mmap, frames: Frames, row: dict[str, object], limit: int) -> bytes:
    """The first `limit` bytes that the packet of `row` (of the packets table) carried, as far as they were captured."""
    return _payload(data, frames, int(str(row["frame"])), int(str(row["length"])), int(str(row["payload"] or 0)),
                    int(str(row["ip_length"] or 0)), _network_start(str(row["protocols"] or "")), limit)  # fmt: skip


def _payload(
    data: mmap.mmap, frames: Frames, number: int, length: int, payload: int, ip_length: int, before: int, limit: int
) -> bytes:
    if number > len(frames):
        return b""
    captured, start = frames.captured[number - 1], frames.offset[number - 1]
    end = length
    if ip_length and before >= 0:
        # Short Ethernet frames are padded, so the end of the IP packet counts, not of the frame.
        end = before + ip_length if before + ip_length <= length else length
    elif ip_length and before == WIRELESS:
        # 802.11 frames may end in a check sum, and their header varies: IP begins after the LLC/SNAP header.
        head = bytes(data[start : start + min(captured, 160)])
        for snap, header in _SNAP:
            at = head.find(snap)
            if at >= 0 and at + 8 + header + ip_length <= length:
                end = at + 8 + header + ip_length
    at = end - payload
    return data[start + at : start + min(at + min(payload, limit), captured)] if 0 <= at < captured else b""


def _openings(data: mmap.mmap, frames: Frames, packets: pl.DataFrame) -> pl.DataFrame:
    carrying = packets.filter(
        (pl.col("payload") > 0) & pl.col("stream").is_not_null() & pl.col("transport").is_in(["tcp", "udp"])
    )
    order = pl.int_range(pl.len()).over("transport", "stream", "src", "src_port").alias("order")
    first = carrying.with_columns(order).filter(pl.col("order") < OPENING_PACKETS).head(MOST_OPENINGS)
    first = pl.concat([first, _echoes(packets).select(first.columns)])
    places = first.select(
        "frame", "length", "payload", pl.col("ip_length").fill_null(0), pl.col("protocols").fill_null("")
    )
    bodies = [
        _payload(data, frames, number, length, payload, ip_length, _network_start(protocols), OPENING_BYTES)
        for number, length, payload, ip_length, protocols in places.iter_rows()
    ]
    made = first.with_columns(pl.Series("data", bodies, dtype=pl.Binary))
    return made.select(pl.col(name).cast(dtype) for name, dtype in OPENING_SCHEMA.items())


def _echoes(packets: pl.DataFrame) -> pl.DataFrame:
    """The first echo packets of each host to each other, with `payload` as what follows the ICMP header."""
    whole = (pl.col("fragment_offset").fill_null(0) == 0) & ~pl.col("more_fragments").fill_null(value=False)
    chain = pl.col("protocols").str
    plain = packets.filter(chain.contains(r":icmp(v6)?:data$") & ~chain.contains("icmp.*:icmp") & whole)
    # An IPv4 length holds its own header of 20 bytes, an IPv6 length does not; both hold 8 bytes of ICMP.
    headers = pl.when(pl.col("transport") == "icmpv6").then(8).otherwise(28)
    carrying = plain.with_columns((pl.col("ip_length").cast(pl.Int64) - headers).alias("payload"))
    order = pl.int_range(pl.len()).over("src", "dst").alias("order")
    carrying = carrying.filter(pl.col("payload") > 0).with_columns(order, pl.col("payload").cast(pl.UInt32))
    return carrying.filter(pl.col("order") < ECHO_PACKETS).head(MOST_ECHOES)


def _search(data: mmap.mmap) -> Hits:
    """Hits of every signature, at most MOST_HITS of each needle, in file order for each."""
    hits: Hits = []
    left = {needle: MOST_HITS for _, needle in SIGNATURES}
    overlap = max(len(needle) for _, needle in SIGNATURES) - 1
    for at in range(0, len(data), PIECE):
        piece = data[at : at + PIECE + overlap]
        places = range(0, min(PIECE, len(piece)), CHUNK)
        # A chunk reaches into the next one, so that nothing is cut in two; what begins there is not its own.
        chunks = [piece[place : min(place + CHUNK, PIECE) + overlap] for place in places]
        searched = pl.Series(chunks, dtype=pl.Binary)
        for kind, needle in SIGNATURES:
            for number in searched.bin.contains(needle).arg_true().to_list():
                own = min(CHUNK, PIECE - places[number])
                for found in _find_all(chunks[number], needle, own):
                    if left[needle] <= 0:
                        break
                    if kind != "elf" or _is_elf(chunks[number][found : found + 7]):
                        left[needle] -= 1
                        hits.append((kind, at + places[number] + found, len(needle)))
    return hits


def _find_all(piece: bytes, needle: bytes, end: int) -> Iterator[int]:
    """Places of `needle` that begin before `end`."""
    found = piece.find(needle)
    while 0 <= found < end:
        yield found
        found = piece.find(needle, found + 1)


def _is_elf(head: bytes) -> bool:
    """Is what follows the magic a class, a byte order and the one version that ELF has (System V ABI, chapter 4)?"""
    return len(head) == 7 and head[4] in (1, 2) and head[5] in (1, 2) and head[6] == 1


def _signatures(data: mmap.mmap, frames: Frames, packets: pl.DataFrame, found: Hits) -> pl.DataFrame:
    hits: list[tuple[int, str, bytes]] = []
    seen: set[tuple[int, str]] = set()
    for kind, offset, length in sorted(found, key=lambda hit: hit[1]):
        number = bisect_right(frames.offset, offset) - 1
        if number < 0 or offset + length > frames.offset[number] + frames.captured[number]:
            continue  # in a header between frames, or across two of them
        if (number + 1, kind) not in seen:
            seen.add((number + 1, kind))
            before = EXECUTABLE_BEFORE if kind in EXECUTABLE_SIGNATURES else CONTEXT_BEFORE
            start = max(frames.offset[number], offset - before)
            end = min(frames.offset[number] + frames.captured[number], offset + length + CONTEXT_AFTER)
            hits.append((number + 1, kind, data[start:end]))
    if not hits:
        return pl.DataFrame(schema=SIGNATURE_SCHEMA)
    made = pl.DataFrame(
        hits, schema={"frame": pl.UInt32(), "kind": pl.String(), "context": pl.Binary()}, orient="row"
    ).join(packets, on="frame", how="inner", maintain_order="left")
    return made.select(pl.col(name).cast(dtype) for name, dtype in SIGNATURE_SCHEMA.items()).sort(
        "frame", maintain_order=True
    )
