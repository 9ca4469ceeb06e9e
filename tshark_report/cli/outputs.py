"""Where a command writes: the suffix says the format, and what cannot be written is told before the work."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tshark_report.errors import RenderFailed, UsageError, reason

LONGEST_STEM = 200
"""Bytes of a capture's name that its report keeps: a name has 255 on most systems, and an ending is added to it."""

FORMATS = {".html": "html", ".htm": "html", ".pdf": "pdf", ".json": "json", ".md": "markdown", ".markdown": "markdown"}


def default(capture: Path) -> tuple[Path, str]:
    """The report's path and format where none is named: in the folder where one stands.

    Raises:
        RenderFailed: nothing can be written there.
    """
    stem = capture.name
    for suffix in (".gz", ".pcapng", ".pcap", ".cap"):
        stem = stem.removesuffix(suffix)
    stem = stem.lstrip("-")
    if len(os.fsencode(stem)) > LONGEST_STEM:
        stem = os.fsencode(stem)[:LONGEST_STEM].decode("utf-8", "ignore")
    path = Path(f"{stem or 'capture'}.report.html")
    writable(path)
    return path, "html"


def checked(path: Path) -> tuple[Path, str]:
    """A path that was named, and the format that its suffix says.

    Raises:
        UsageError: the suffix says none.
        RenderFailed: it cannot be written.
    """
    suffixed(path, FORMATS)
    writable(path)
    return path, FORMATS[path.suffix.lower()]


def suffixed(path: Path, known: Iterable[str]) -> None:
    """Say before the work that the suffix names no format that this output can have."""
    if path.suffix.lower() not in known:
        raise UsageError(
            "the suffix of the output does not say a format",
            detail=str(path),
            causes=("a misspelt suffix", "a folder was named in place of a file"),
            next_step=f"use one of: {' '.join(known)}",
        )


def writable(path: Path) -> None:
    """Say before the work that the result could not be written."""
    folder = path.parent
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long, for one
        raise RenderFailed(
            "the output cannot be looked at",
            detail=f"{path}: {reason(error)}",
            causes=("its name is too long", "a folder above it is closed to you"),
            next_step="choose another name: -o report.html",
        ) from error
    if is_folder:
        raise RenderFailed(
            "the output is a folder",
            detail=str(path),
            causes=("its file name was left out",),
            next_step=f"name a file: {path / 'report.html'}",
        )
    if not folder.is_dir():
        raise RenderFailed(
            "the output's folder does not exist",
            detail=str(folder),
            causes=("a misspelt path",),
            next_step=f"mkdir -p {folder}",
        )
    if not os.access(folder, os.W_OK):
        raise RenderFailed(
            "the output's folder is not writable",
            detail=str(folder),
            causes=("it belongs to somebody else", "the file system is read-only"),
            next_step="choose another place with -o",
        )
