"""Who may read, write and pass where: the scratch folder is handed over, and looked through afterwards."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from tshark_report.capture.fence.parts import Fence, nobody


def below(path: str, folder: str) -> bool:
    """Does `path` lie in `folder`, or is it that folder?"""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def open_to_all(path: Path, *, above: bool = True) -> bool:
    """May anybody read this file or folder, and with `above` go through the folders above it?"""
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return False
        return not above or ways_open(path)
    except OSError:
        return False


def ways_open(path: Path) -> bool:
    """May anybody go through the folders above?"""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.absolute().parents)


def hand_over(scratch: Path, fence: Fence) -> None:
    """Give root's scratch folder and the folders in it to whom has to write there."""
    if os.geteuid() != 0:
        return
    user, group = nobody() if fence.dropped else (0, 0)
    with suppress(OSError):
        os.chown(scratch, user, group)
        for entry in os.scandir(scratch):
            if entry.is_symlink():
                continue
            os.chown(entry.path, user, group, follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                for inner in os.scandir(entry.path):
                    if inner.is_dir(follow_symlinks=False):
                        os.chown(inner.path, user, group, follow_symlinks=False)


def plain_bytes(path: Path) -> bytes:
    """The content of a file in the scratch folder, where another fenced process may just put a link in its place.

    Raises:
        OSError: it is not there, is a link, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        return file.read()


def without_links(scratch: Path) -> None:
    """Remove symbolic links, pipes and devices from the scratch folder: what we read there must lie there."""
    folders = [scratch]
    while folders:
        with suppress(OSError):
            for entry in os.scandir(folders.pop()):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    Path(entry.path).unlink()
