"""Which files are one recording: the consecutive files of a ring buffer, by name, link type and clock."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tshark_report.batch import remote
from tshark_report.batch.discover import Found
from tshark_report.capture import framing

MOST_BYTES = 1_000_000_000
"""Bytes of one joined recording: about 5 M packets of 200 bytes, which 8 GB of memory can take."""
MOST_FILES = 1_000
"""Files of one joined recording: mergecap opens them all, and systems allow 1,024 open files."""


@dataclass(frozen=True)
class Recording:
    """Files that follow one another."""

    files: tuple[str, ...]
    bytes: int
    number: int = 1
    """Which piece of a longer recording this is, from 1, and of how many."""
    of: int = 1

    @property
    def path(self) -> str:
        """The first file."""
        return self.files[0]

    @property
    def name(self) -> str:
        """Name of the joined file: of the first, with how many follow."""
        stem = re.sub(r"\.(pcapng|pcap|cap)\d*$", "", Path(self.files[0]).name, flags=re.IGNORECASE)
        return f"{stem}+{len(self.files) - 1}.pcapng"


@dataclass(frozen=True)
class _Span:
    found: Found
    first: float
    last: float
    link: int


def shape(path: str) -> str:
    """A path with every run of digits in the file name replaced: files of one ring buffer have the same."""
    folder, _, name = path.rpartition("/")
    # tcpdump -C numbers the files that follow the first one by a suffix that the first has not.
    return f"{folder}/{re.sub(r'[0-9]+', '#', re.sub(r'(?<=[a-z])[0-9]+$', '', name))}"


def recordings(
    found: Sequence[Found], *, gap: float, most_bytes: int = MOST_BYTES
) -> tuple[list[Found | Recording], list[str]]:
    """The same files with consecutive ones put together, largest first, and notes on what was left apart and why.

    Two files are consecutive where their names differ in digits only, their link types are the same, and the second
    begins no earlier than the first ends and at most `gap` seconds after it. A recording longer than `most_bytes` is
    read in pieces, cut between files.
    """
    groups: dict[str, list[_Span]] = defaultdict(list)
    made: list[Found | Recording] = []
    for each in found:
        span = None if remote.is_url(each.path) else _span(each)
        if span is None:
            made.append(each)
        else:
            groups[shape(each.path)].append(span)
    notes: list[str] = []
    for spans in groups.values():
        spans.sort(key=lambda s: (s.first, s.last, s.found.path))
        run: list[_Span] = []
        for span in spans:
            if run and not _follows(run[-1], span, gap):
                made += _pieces(run, most_bytes, notes)
                run = []
            run.append(span)
        made += _pieces(run, most_bytes, notes)
    made.sort(key=lambda f: (-f.bytes, f.path))
    return made, notes


def _follows(before: _Span, after: _Span, gap: float) -> bool:
    return before.link == after.link and 0 <= after.first - before.last <= gap


def _pieces(run: list[_Span], most_bytes: int, notes: list[str]) -> list[Found | Recording]:
    pieces: list[list[_Span]] = [[]]
    size = 0
    for span in run:
        if pieces[-1] and (size + span.found.bytes > most_bytes or len(pieces[-1]) >= MOST_FILES):
            pieces.append([])
            size = 0
        pieces[-1].append(span)
        size += span.found.bytes
    if len(pieces) > 1:
        notes.append(
            f"{run[0].found.path} and the {len(run) - 1} files that follow are read in {len(pieces)} pieces of at most "
            f"{most_bytes:,} bytes: what spans two pieces is told in the stories over several captures only"
        )
    made: list[Found | Recording] = []
    for number, piece in enumerate(pieces, 1):
        if len(piece) == 1:
            made.append(piece[0].found)
        elif piece:
            files = tuple(s.found.path for s in piece)
            made.append(Recording(files, sum(s.found.bytes for s in piece), number, len(pieces)))
    return made


def _span(found: Found) -> _Span | None:
    """First and last time of a pcap or pcapng file that is not compressed; None where it cannot be told."""
    path = Path(found.path)
    try:
        frames = framing.index(path)
        if not len(frames) or frames.truncated:
            return None
        clock = _Clock(path, frames)
        return _Span(found, clock.at(0), clock.at(len(frames) - 1), frames.link[0])
    except (framing.NotFramed, OSError, ValueError, struct.error):
        return None


class _Clock:
    """Time stamps of single frames, in seconds since 1970."""

    def __init__(self, path: Path, frames: framing.Frames) -> None:
        self._path, self._frames = path, frames
        with path.open("rb") as file:
            magic = file.read(4)
        self._order, self._parts = framing.PCAP_MAGICS.get(magic, (frames.order, 1_000_000))
        self._resolution = 1e-6 if not frames.pcapng else self._first_resolution()

    def _first_resolution(self) -> float:
        """if_tsresol of the first interface (pcapng option 9): a power of ten, or of two with the highest bit set."""
        with self._path.open("rb") as file:
            for offset, length in self._frames.blocks:
                file.seek(offset)
                block = file.read(min(length, 4096))
                if struct.unpack_from(self._frames.order + "I", block)[0] != framing.INTERFACE:
                    continue
                at = 16
                while at + 4 <= len(block) - 4:
                    code, size = struct.unpack_from(self._frames.order + "HH", block, at)
                    if code == 9 and size >= 1:  # noqa: PLR2004 - if_tsresol
                        value = block[at + 4]
                        return float(2.0 ** -(value & 0x7F)) if value & 0x80 else float(10.0**-value)
                    if code == 0:
                        break
                    at += 4 + (size + 3) // 4 * 4
                break
        return 1e-6

    def at(self, frame: int) -> float:
        with self._path.open("rb") as file:
            file.seek(self._frames.record[frame])
            head = file.read(20)
        if not self._frames.pcapng:
            seconds, part = struct.unpack_from(self._order + "II", head)
            return float(seconds) + float(part) / self._parts
        kind = struct.unpack_from(self._frames.order + "I", head)[0]
        if kind == framing.SIMPLE:
            raise framing.NotFramed("packets without time stamps")
        high, low = struct.unpack_from(self._frames.order + "II", head, 12)
        return float((high << 32 | low) * self._resolution)
