"""What names a piece of work: the content of the capture, the options, the tool, and tshark."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tshark_report.batch.records import RECORD_VERSION, Job

DIGITS = 16
"""Hexadecimal digits of a SHA-256 that name a capture: 64 bits, so that a million captures collide by 1 in 10^7."""
SLUG = 48
"""Characters of a folder or file name that are kept in the name of its folder."""
PIECE = 4 * 1024 * 1024


def content(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prefix(path: Path, size: int) -> str:
    """SHA-256 of the first `size` bytes of a file."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left and (piece := file.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def joined(hashes: Iterable[str]) -> str:
    """One hash for several files in their order."""
    return hashlib.sha256("\n".join(("joined", *hashes)).encode()).hexdigest()


def short(sha256: str) -> str:
    """The id of a content."""
    return sha256[:DIGITS]


def of_path(path: str) -> str:
    """An id for a file whose content could not be read."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]


def folder(path: str, identity: str) -> str:
    """Name of the folder of a capture's report: what one recognises (folder and file), then what is unique."""
    parts = [part for part in re.split(r"[/\\]", path) if part not in ("", ".", "..")][-2:]
    parts[-1:] = [re.sub(r"(\.(pcapng|pcap|cap|gz))+$", "", parts[-1], flags=re.IGNORECASE)] if parts else []
    slugs = [re.sub(r"[^A-Za-z0-9._-]+", "_", part).strip("._-")[-SLUG:] for part in parts]
    return "-".join([*filter(None, slugs), identity]).lstrip("-")


def identity(folder_name: str) -> str:
    """The id at the end of a folder's name; "" where there is none."""
    found = re.search(rf"-([0-9a-f]{{{DIGITS}}})$", folder_name)
    return found[1] if found else ""


def keyed(job: Job) -> Job:
    """The job with its fingerprint: whatever changes what stands in a report is in it."""
    options = job.options
    parts = [
        str(RECORD_VERSION),
        job.tool_version,
        job.tshark_version,
        *job.formats,
        options.display_filter,
        *options.decode_as,
        *options.preferences,
        options.profile,
        repr(job.focus),
        *(part for f in job.files for part in (f.option, f.name, hashlib.sha256(f.data).hexdigest())),
        repr(job.settings),
        repr(job.ticket),
        job.paper,
        job.flavour,
        _folder_hash(job.templates),
        str(job.tables),
    ]
    return replace(job, key=hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32])


def _folder_hash(path: Path | None) -> str:
    if path is None:
        return ""
    digest = hashlib.sha256()
    for each in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(str(each.relative_to(path)).encode() + b"\x00" + each.read_bytes() + b"\x00")
    return digest.hexdigest()
