"""Files from outside read with bounds: how much of a list or log is taken in, and what is said where more was there."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

MOST_LIST_BYTES = 64_000_000
"""Of an indicator list: about a million lines."""
MOST_LOG_BYTES = 2_000_000_000
"""Of an alert log, unpacked: a busy sensor's day."""
LONGEST_LINE = 4_000_000
_PIECE = 1 << 20


class Unreadable(Exception):
    """A file that cannot be used, in words for the report."""


def name_of(path: Path) -> str:
    """How a file is called in the report: its last part only, as the report may leave this machine."""
    return path.name or str(path)


def _pieces(path: Path, most: int) -> Iterator[bytes]:
    """The file's bytes, unpacked where it is gzip, up to `most`, a piece at a time.

    Raises:
        Unreadable: it is missing, no plain file, or not to be opened.
    """
    try:
        if not path.exists():
            raise Unreadable(f"{name_of(path)} does not exist: it was not used.")
        if not path.is_file() and not path.is_fifo():
            raise Unreadable(f"{name_of(path)} is not a file: it was not used.")
        with path.open("rb") as raw:
            magic = raw.peek(2)[:2]
            source = gzip.GzipFile(fileobj=raw) if magic == b"\x1f\x8b" else raw
            taken = 0
            while taken < most:
                piece = source.read(min(_PIECE, most - taken))
                if not piece:
                    return
                taken += len(piece)
                yield piece
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unreadable(f"{name_of(path)} could not be read: {reason}.") from error


def whole(path: Path, most: int = MOST_LIST_BYTES) -> tuple[bytes, bool]:
    """The file's bytes up to `most`, and whether more was there.

    Raises:
        Unreadable: see `_pieces`.
    """
    data = b"".join(_pieces(path, most + 1))
    return data[:most], len(data) > most


def lines(path: Path, most: int = MOST_LOG_BYTES) -> Iterator[bytes]:
    """The file's lines without their ends. A line longer than LONGEST_LINE is cut, so that no file fills the memory.

    Raises:
        Unreadable: see `_pieces`.
    """
    rest = b""
    for piece in _pieces(path, most):
        found = (rest + piece).split(b"\n")
        rest = found.pop()[:LONGEST_LINE]
        for line in found:
            yield line.rstrip(b"\r")
    if rest:
        yield rest.rstrip(b"\r")


def decoded(data: bytes) -> str:
    """Text of a file that may come from any system: UTF-8, UTF-16 with its mark; what is neither is replaced."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    return data.decode("utf-8", "replace")
