"""Writing a file so that nobody ever sees half of it."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from tshark_report.errors import RenderFailed

CAUSES = {
    errno.ENOSPC: ("the disk is full",),
    errno.EDQUOT: ("your quota is used up",),
    errno.EFBIG: ("the file system, or `ulimit -f`, takes no file of this size",),
    errno.EROFS: ("the file system is read-only",),
    errno.ENOENT: ("the folder was removed meanwhile",),
    errno.EACCES: ("the folder, or the file that is there, belongs to somebody else",),
    errno.EPERM: ("the folder, or the file that is there, belongs to somebody else",),
}
"""What lies behind the commonest errors of writing."""


def atomically(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and rename it into place.

    An existing file is replaced at once and keeps its permissions; on any failure it is left as it
    was and nothing half-written stays behind. A path such as `/dev/stdout` is written to directly.

    Raises:
        RenderFailed: the folder is missing or not writable, the disk is full, or `path` is a folder.
    """
    target = _target(path)
    if target.is_dir():
        raise RenderFailed(
            f"Cannot write {path}: it is a folder",
            causes=("the output needs a file name",),
            next_step=f"name a file in it, for example -o {path / 'report.html'}",
            detail="a folder of that name is there",
        )
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        _write_beside(target, data)
    except OSError as error:
        raise RenderFailed(
            f"Cannot write {path}",
            detail=error.strerror or str(error),
            causes=CAUSES.get(error.errno or 0, ("the folder does not exist", "you may not write there")),
            next_step="choose another place with -o PATH",
        ) from error


def _target(path: Path) -> Path:
    """Where a symbolic link leads: the link itself stays."""
    return path.resolve() if path.is_symlink() else path


def _write_beside(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.chmod(target.stat().st_mode & 0o777 if target.exists() else _default_mode())
        beside.replace(target)
    except BaseException:
        # Also on Ctrl-C: what is half-written must not stay.
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def _default_mode() -> int:
    """What a plain `open` would give: mkstemp's files are for the owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
