"""A small pcapng read into frames, and frames written as a pcapng that says nothing but what it is given.

Names of interfaces, of the machine, of the program, resolved names and keys of the source do not come along.
Layout: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tshark_report.capture import framing

_COMMENT, _RESOLUTION = 1, 9
_LONGEST_COMMENT = 60_000
_NANOSECONDS = 9
_ANY_LENGTH = 262_144


@dataclass(frozen=True)
class Frame:
    """One packet: its captured bytes, its length on the wire, its LINKTYPE, and nanoseconds since 1970."""

    data: bytes
    wire: int
    link: int
    time: int
    comment: str = ""


def read(data: bytes) -> list[Frame]:
    """The frames of a small pcapng of one section, such as editcap writes, in file order.

    Raises:
        NotFramed: another file type, or damaged framing.
    """
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        file.write(data)
        file.flush()
        frames = framing.index(Path(file.name))
    if not frames.pcapng:
        raise framing.NotFramed("not pcapng")
    if sum(data[at : at + 4] == framing.PCAPNG_MAGIC for at, _ in frames.blocks) != 1:
        raise framing.NotFramed("several sections, each of which may have another byte order")
    units = _units(data, frames)
    made = []
    for at, captured, wire, record, link in zip(
        frames.offset, frames.captured, frames.wire, frames.record, frames.link, strict=True
    ):
        length, interface, high, low = struct.unpack_from(frames.order + "IIII", data, record + 4)
        unit = units[interface] if interface < len(units) else 1_000_000
        said = dict(_read_options(data, at + captured + -captured % 4, record + length - 4, frames.order))
        comment = said.get(_COMMENT, b"").decode("utf-8", "replace")
        made.append(Frame(data[at : at + captured], wire, link, (high << 32 | low) * 1_000_000_000 // unit, comment))
    return made


def _read_options(data: bytes, at: int, end: int, order: str) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= min(end, len(data)):
        code, size = struct.unpack_from(order + "HH", data, at)
        if code == 0:
            return
        if at + 4 + size > end:
            return
        yield code, data[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4


def _units(data: bytes, frames: framing.Frames) -> list[int]:
    """Parts of a second in which the times of each interface are counted."""
    units = []
    for at, length in frames.blocks:
        if struct.unpack_from(frames.order + "I", data, at)[0] != framing.INTERFACE:
            continue
        said = dict(_read_options(data, at + 16, at + length - 4, frames.order))
        power = (said.get(_RESOLUTION) or b"\x06")[0]
        unit = 2 ** (power & 127) if power & 128 else 10**power
        units.append(unit)
    return units


def written(frames: Iterable[Frame]) -> bytes:
    """A pcapng with one section, an interface for each LINKTYPE, and the comments of the frames."""
    blocks = [_block(framing.SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    interfaces: dict[int, int] = {}
    for frame in frames:
        if frame.link not in interfaces:
            interfaces[frame.link] = len(interfaces)
            options = _options([(_RESOLUTION, bytes([_NANOSECONDS]))])
            blocks.append(_block(framing.INTERFACE, struct.pack("<HHI", frame.link, 0, _ANY_LENGTH) + options))
        head = struct.pack(
            "<IIIII", interfaces[frame.link], frame.time >> 32, frame.time & 0xFFFFFFFF, len(frame.data), frame.wire
        )
        comment = frame.comment.encode("utf-8", "replace")[:_LONGEST_COMMENT].decode("utf-8", "ignore").encode()
        options = _options([(_COMMENT, comment)]) if comment else b""
        blocks.append(_block(framing.ENHANCED, head + _padded(frame.data) + options))
    return b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _options(options: Sequence[tuple[int, bytes]]) -> bytes:
    body = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    return body + b"\0\0\0\0"


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
