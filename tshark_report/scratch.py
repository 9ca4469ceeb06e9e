"""Scratch folders: made here, removed here, and swept where their owner died too suddenly to do it.

A process that is ended by SIGKILL, or with the machine, cannot clean up. So each folder is locked for as long as its
process lives, by the system and not by a file that could be stale, and the first folder that a process makes sweeps
those of the same user that nobody holds any more. Nothing else is touched: not what another program made, not what
belongs to another user, not a symbolic link, not what an older version made, which held no lock.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PREFIX = "tshark-report-run-"

FRESH_SECONDS = 60.0
"""Age below which a folder is let be: its owner may not have come to lock it yet."""

TRIES = 40
PAUSE_SECONDS = 0.05
"""Removing is tried again for this long: a tshark that was just ended may still write its last file."""

_SWEPT = threading.Event()
_OPEN: set[Path] = set()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for this process alone (mode 0700), gone when the block is left, however it is left.

    Raises:
        OSError: it cannot be made.
    """
    if not _SWEPT.is_set():
        _SWEPT.set()
        sweep(Path(tempfile.gettempdir()))
    place = _made()
    lock = _lock(str(place))
    try:
        yield place
    finally:
        remove(place)
        _OPEN.discard(place)
        if lock is not None:
            os.close(lock)


def _made() -> Path:
    """A new folder; it is noted before it is there, since a signal may end us in between."""
    where = Path(tempfile.gettempdir())
    for _ in range(TRIES):
        place = where / f"{PREFIX}{secrets.token_hex(8)}"
        _OPEN.add(place)
        try:
            place.mkdir(mode=0o700)
        except FileExistsError:
            _OPEN.discard(place)
            continue
        return place
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(where))


def remove_all() -> None:
    """Remove the folders that are in use, for a process that is about to end without leaving its blocks."""
    for place in list(_OPEN):
        remove(place)


def remove_given() -> None:
    """Remove the folder for temporary files, where the process that started this one made it and is gone."""
    given = Path(tempfile.gettempdir())
    if given.name.startswith(PREFIX):
        remove(given)


def remove(place: Path) -> None:
    """Remove a folder and all below it; a process that is just ending may write into it once more."""
    for _ in range(TRIES):
        shutil.rmtree(place, ignore_errors=True)
        if not place.exists():
            return
        time.sleep(PAUSE_SECONDS)


def sweep(where: Path) -> list[Path]:
    """Remove what processes of this user left in `where` that live no more; gives what was removed."""
    if sys.platform == "win32":
        return []
    gone = []
    with suppress(OSError):
        for entry in os.scandir(where):
            if entry.name.startswith(PREFIX) and (lock := _left(entry)) is not None:
                shutil.rmtree(entry.path, ignore_errors=True)
                os.close(lock)
                gone.append(Path(entry.path))
    return gone


def _left(entry: os.DirEntry[str]) -> int | None:
    """The lock on a folder of ours whose owner has gone; None where it is not one, or may still be used."""
    try:
        state = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISDIR(state.st_mode) or time.time() - state.st_mtime < FRESH_SECONDS:
        return None
    # As root the folder may have been handed to the user that tshark runs as; the lock is what decides.
    if state.st_uid != os.geteuid() and os.geteuid() != 0:
        return None
    return _lock(entry.path)


def _lock(place: str) -> int | None:
    """Hold `place` until the descriptor is closed or this process ends; None where somebody else holds it."""
    if sys.platform == "win32":
        return None
    try:
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
