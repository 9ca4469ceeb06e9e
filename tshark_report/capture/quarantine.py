"""Files that crossed the wire, kept on request: in one zip with the usual password, under names made here.

Nothing that came from the wire decides where a file lands or what it is called, and nothing in the zip is executable
or opens by a double click. What each file was called, and who sent it to whom, stands in the manifest beside them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl

from tshark_report.errors import RenderFailed, UsageError
from tshark_report.report.escape import csv_cell

PASSWORD = b"infected"
"""What people who exchange such files use, so that no scanner on the way and no curious hand opens them."""

COLUMNS = ("protocol", "name", "source", "destination", "frame", "declared_type", "detected_type")
"""Columns of the files table in the manifest, behind the file's own name, hash and size."""

MOST_BYTES = 2 * 1024**3
"""Bytes that are kept in all; the manifest names what was left out."""


def checked(folder: Path) -> None:
    """Can files be kept in `folder`? Said before the work.

    Raises:
        UsageError: the library that encrypts is not installed, or `folder` is a file.
    """
    try:
        import pyzipper  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "--keep-files needs a library that is not installed",
            detail=str(error),
            causes=("the extra `quarantine` was not asked for",),
            next_step="pip install 'tshark-report[quarantine]'",
        ) from error
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            "--keep-files needs a folder",
            detail=f"{folder} is a file",
            next_step="name another folder",
            causes=("a file was named: the zip in the folder gets its own name",),
        )


def write(objects: Path, files: pl.DataFrame, folder: Path, capture_sha256: str) -> tuple[Path, int]:
    """Write every file below `objects` into a zip in `folder`; its path and the number of files.

    `files` is the files table, from which the manifest takes what is known of each file by its SHA-256.

    Raises:
        RenderFailed: the folder cannot be made or written.
    """
    import pyzipper

    target = folder / f"files-{capture_sha256[:16]}.zip"
    beside: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".files-", suffix=".part", dir=folder)
        beside = Path(name)
        with os.fdopen(handle, "wb") as out:
            with pyzipper.AESZipFile(out, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as packed:
                packed.setpassword(PASSWORD)
                number = _fill(packed, objects, files)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
    except OSError as error:
        raise RenderFailed(
            "the files could not be kept",
            detail=f"{error.strerror or error}: {folder}",
            causes=("you may not write there", "the disk is full"),
            next_step="choose another folder: --keep-files DIR",
        ) from error
    finally:
        if beside is not None:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    return target, number


def _fill(packed: object, objects: Path, files: pl.DataFrame) -> int:
    known = {row["sha256"]: row for row in files.iter_rows(named=True)}
    rows: list[list[object]] = []
    seen: set[str] = set()
    left = MOST_BYTES
    for path in _regular(objects):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest in seen:
            continue
        seen.add(digest)
        size = path.stat().st_size
        name = f"{len(seen):05d}-{digest[:16]}.bin" if size <= left else ""
        if name:
            left -= size
            packed.write(str(path), name)  # type: ignore[attr-defined]
        row = known.get(digest, {})
        rows.append([name or "(left out: too large)", digest, size, *(row.get(column) for column in COLUMNS)])
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("file", "sha256", "bytes", *COLUMNS))
    table.writerows([csv_cell("" if cell is None else str(cell)) for cell in row] for row in rows)
    packed.writestr("manifest.csv", text.getvalue().encode("utf-8", "replace"))  # type: ignore[attr-defined]
    return sum(1 for row in rows if not str(row[0]).startswith("("))


def _regular(folder: Path) -> Iterator[Path]:
    """Plain files below `folder`, in a stable order; links and devices are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            yield path
