"""Captures below folders, known by their content and not by their names."""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tshark_report.batch import remote
from tshark_report.batch.key import of_path
from tshark_report.batch.records import Failure
from tshark_report.errors import UsageError

MAGICS: tuple[bytes, ...] = (
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x34\xcd\xb2\xa1",
    b"\xa1\xb2\xcd\x34",
    b"\x0a\x0d\x0d\x0a",
    b"snoop\x00\x00\x00",
    b"GMBU",
    b"RTSS",
    b"btsnoop\x00",
    b"iptrace ",
    b"TRSNIFF data",
    b"XCP\x00",
)
"""First bytes of captures: pcap (both byte orders, micro- and nanoseconds, Kuznetzov's), pcapng, Solaris snoop,
Microsoft Network Monitor 1 and 2, Bluetooth HCI snoop, AIX iptrace, Sniffer, NetXRay (pcap-savefile(5), and the
readers of Wireshark's wiretap library)."""

NAMED = re.compile(r"\.(pcap|pcapng|cap|ntar|snoop)(\d+|\.\d+)?(\.(gz|zst|lz4))?$", re.IGNORECASE)
"""Names that promise a capture: such a file is reported on or listed as a failure, never passed over."""

HEAD = 512
EXAMPLES = 20
"""Names kept of files that are no captures."""


@dataclass(frozen=True)
class Found:
    """A file to be read. `tag` is what remote storage says of its content (ETag or the like), "" for a local file."""

    path: str
    bytes: int
    tag: str = ""

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]


@dataclass
class Looked:
    """What lies below the folders."""

    found: list[Found] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    passed_over: int = 0
    """Files that are no captures by name or content."""
    examples: list[str] = field(default_factory=list)

    def sorted(self) -> Looked:
        """The same, in an order that does not depend on the file system: largest first, then by path."""
        self.found.sort(key=lambda f: (-f.bytes, f.path))
        self.failures.sort(key=lambda f: f.path)
        self.examples.sort()
        return self


def is_capture(head: bytes) -> bool:
    """Do these first bytes begin a capture, compressed by gzip or not?"""
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 64)
        except zlib.error:
            return False
    return head.startswith(MAGICS)


def look(roots: Sequence[str], *, skip: Path | None = None, but: str = "") -> Looked:
    """Every capture below `roots`: folders, files and, with the cluster extra, URLs.

    A file named as a root is always taken. `skip` is the output, which may lie inside a root; `but` is one with a URL.

    Raises:
        UsageError: a root does not exist.
    """
    looked, taken = Looked(), set[str]()
    for root in roots:
        for each in remote.files(root, but=but) if remote.is_url(root) else _local(root, skip, looked):
            if each.path not in taken:
                taken.add(each.path)
                looked.found.append(each)
    return looked.sorted()


def _local(root: str, skip: Path | None, looked: Looked) -> Iterator[Found]:
    path = Path(root)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise UsageError(
            "there is no such folder",
            detail=f"{root}: {getattr(error, 'strerror', None) or error}",
            causes=("the name is misspelt", "it is on a disk that is not mounted"),
            next_step=f"ls -l {path.parent}",
        ) from error
    if stat.S_ISREG(status.st_mode):
        yield Found(root, status.st_size)
        return
    if not stat.S_ISDIR(status.st_mode):
        raise UsageError(
            "this is neither a folder nor a file",
            detail=root,
            next_step="name a folder with captures",
            causes=("it is a pipe, a socket or a device",),
        )
    yield from _below(root, skip.resolve() if skip is not None else None, looked)


def _below(folder: str, skip: Path | None, looked: Looked) -> Iterator[Found]:
    """Files below a folder. Symbolic links to files are followed; those to folders are not: they go in circles."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if skip is not None and Path(here).resolve() == skip:
            continue
        try:
            with os.scandir(here) as entries:
                inside = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            looked.failures.append(_closed(here, error, "the folder cannot be looked into"))
            continue
        for entry in inside:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file():
                    yield from _judged(entry, looked)
            except OSError as error:
                looked.failures.append(_closed(entry.path, error, "the file cannot be looked at"))


def _judged(entry: os.DirEntry[str], looked: Looked) -> Iterator[Found]:
    named = NAMED.search(entry.name) is not None
    try:
        with Path(entry.path).open("rb") as file:
            good = is_capture(file.read(HEAD))
    except OSError as error:
        if named:
            looked.failures.append(_closed(entry.path, error, "the capture is not readable"))
            return
        good = False
    if good or named:
        yield Found(entry.path, entry.stat().st_size)
    else:
        looked.passed_over += 1
        if len(looked.examples) < EXAMPLES:
            looked.examples.append(entry.path)


def _closed(path: str, error: OSError, what: str) -> Failure:
    return Failure(
        id=of_path(path),
        path=path,
        what=what,
        detail=error.strerror or str(error),
        causes=["it belongs to somebody else"],
        next_step=f"ls -l {path}",
    )


def json_safe(value: Any) -> str:
    """A path as text that JSON and pages can hold: bytes that are no UTF-8 become visible escapes."""
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
