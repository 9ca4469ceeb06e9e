"""Where each frame lies in a capture file, read from the file's own framing.

Only pcap (both byte orders, micro- and nanoseconds) and pcapng are read here; the
frames themselves are not dissected. It is what finding payload bytes, cutting out
frames and splitting a capture need, and it takes about half a second for a million
frames. Everything else about a capture is tshark's to say.
"""

from __future__ import annotations

import mmap
import struct
import sys
from array import array
from dataclasses import dataclass, field
from pathlib import Path

PCAP_MAGICS: dict[bytes, tuple[str, int]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}
"""First four bytes of a pcap file: byte order, and fractions in a second (libpcap's pcap-savefile(5))."""

PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
SECTION, INTERFACE, OLD_PACKET, SIMPLE, ENHANCED, SECRETS = 0x0A0D0D0A, 1, 2, 3, 6, 0x0A
"""pcapng block types (draft-ietf-opsawg-pcapng)."""

LONGEST_FRAME = 262_144
"""Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD: a longer record is a damaged file, not a packet."""


class NotFramed(Exception):
    """The file is not pcap or pcapng, or its framing is damaged in a way that tshark may still read."""


@dataclass
class Frames:
    """Frame i (counted from 0) is `data[offset[i] : offset[i] + captured[i]]`; `wire` is its length on the wire."""

    offset: array[int] = field(default_factory=lambda: array("Q"))
    captured: array[int] = field(default_factory=lambda: array("I"))
    wire: array[int] = field(default_factory=lambda: array("I"))
    record: array[int] = field(default_factory=lambda: array("Q"))
    """Offset of the record or block that holds the frame."""
    link: array[int] = field(default_factory=lambda: array("H"))
    """LINKTYPE of each frame."""
    blocks: list[tuple[int, int]] = field(default_factory=list)
    """(offset, length) of the headers and of every pcapng block that is not a packet, in file order."""
    pcapng: bool = False
    order: str = "<"
    truncated: bool = False
    end: int = 0
    """Offset behind the last complete record."""
    more: bool = False
    """There are further frames: it was asked for no more than these."""

    def __len__(self) -> int:
        return len(self.offset)

    def shorten(self, most: int) -> None:
        """Keep the first `most` frames only; there must be more."""
        self.end, self.truncated, self.more = self.record[most], False, False
        for each in (self.offset, self.captured, self.wire, self.record, self.link):
            del each[most:]
        self.blocks = [block for block in self.blocks if block[0] < self.end]


def index(path: Path, most: int = sys.maxsize) -> Frames:
    """Read the framing of `path`, of no more than `most` frames.

    Raises:
        NotFramed: another file type, or damaged framing.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size < 24:
        raise NotFramed("too short")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        magic = data[:4]
        try:
            if magic in PCAP_MAGICS:
                return _pcap(data, size, PCAP_MAGICS[magic][0], most)
            if magic == PCAPNG_MAGIC:
                return _pcapng(data, size, most)
        except struct.error as error:
            raise NotFramed("a block shorter than its own header") from error
    raise NotFramed("neither pcap nor pcapng")


def _pcap(data: mmap.mmap, size: int, order: str, most: int) -> Frames:
    frames = Frames(order=order)
    if struct.unpack_from(order + "HH", data, 4) < (2, 4):
        raise NotFramed("an old pcap version, in which the two lengths may stand the other way round")
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    lengths = struct.Struct(order + "8xII").unpack_from
    add_offset, add_captured, add_wire = frames.offset.append, frames.captured.append, frames.wire.append
    at, last = 24, size - 16
    for _ in range(most):
        if at > last:
            break
        captured, wire = lengths(data, at)
        if captured > LONGEST_FRAME:
            raise NotFramed(f"a record of {captured} bytes at offset {at}")
        if at + 16 + captured > size:
            break
        add_offset(at + 16)
        add_captured(captured)
        add_wire(wire)
        at += 16 + captured
    frames.record = array("Q", (offset - 16 for offset in frames.offset))
    frames.link = array("H", [link]) * len(frames.offset)
    frames.blocks = [(0, 24)]
    frames.more = len(frames.offset) >= most and at <= last
    frames.truncated = at != size and not frames.more
    frames.end = at
    return frames


def _pcapng(data: mmap.mmap, size: int, most: int) -> Frames:
    frames = Frames(pcapng=True)
    order, at = "<", 0
    links: list[int] = []
    snaps: list[int] = []
    while at + 12 <= size:
        if data[at : at + 4] == PCAPNG_MAGIC:
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links, snaps = [], []
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or length % 4:
            raise NotFramed(f"a block of {length} bytes at offset {at}")
        if at + length > size:
            break
        if kind == ENHANCED and length >= 32:
            interface, _, _, captured, wire = struct.unpack_from(order + "IIIII", data, at + 8)
            body = at + 28
        elif kind == OLD_PACKET and length >= 32:
            interface, _, _, _, captured, wire = struct.unpack_from(order + "HHIIII", data, at + 8)
            body = at + 28
        elif kind == SIMPLE and length >= 16:
            interface, wire = 0, struct.unpack_from(order + "I", data, at + 8)[0]
            captured = min(wire, length - 16, snaps[0] if snaps and snaps[0] else wire)
            body = at + 12
        else:
            if kind == INTERFACE and length >= 20:
                link, snap = struct.unpack_from(order + "HxxI", data, at + 8)
                links.append(link)
                snaps.append(snap)
            frames.blocks.append((at, length))
            at += length
            continue
        if body + captured > at + length or interface >= len(links):
            raise NotFramed(f"a packet block that does not fit at offset {at}")
        if len(frames.offset) >= most:
            frames.more = True
            break
        frames.offset.append(body)
        frames.captured.append(captured)
        frames.wire.append(wire)
        frames.record.append(at)
        frames.link.append(links[interface])
        at += length
    frames.order = order
    frames.truncated = at != size and not frames.more
    frames.end = at
    return frames


def first_time(path: Path) -> float | None:
    """Seconds since 1970 of the first packet of a pcap or pcapng file; None where that cannot be told here."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if head[:4] in PCAP_MAGICS and len(head) >= 32:
            order, fractions = PCAP_MAGICS[head[:4]]
            seconds, part = struct.unpack_from(order + "II", head, 24)
            return float(seconds) + float(part) / fractions
        frames = index(path)
        if not frames.pcapng or not len(frames):
            return None
        with path.open("rb") as file:
            file.seek(frames.record[0])
            block = file.read(28)
        high, low = struct.unpack_from(frames.order + "II", block, 12)
    except (OSError, NotFramed, struct.error, ValueError):
        return None
    # Microseconds are the default of an interface without if_tsresol; only the day is taken from this.
    value: int = high << 32 | low
    return value / 1e6 if value < 1 << 53 else value / 1e9
