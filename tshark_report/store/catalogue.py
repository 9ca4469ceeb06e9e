"""The captures whose tables lie below a folder: what query and trends read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tshark_report.errors import ReportError, UsageError
from tshark_report.store import manifest as kept

INDEX = "index.json"
"""What batch writes beside the tables; it knows where the captures are."""
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:/[^/]")
"""What is left of a URL where it was taken for a path; a Windows drive has one letter."""
PREFIX = "capture="
"""Folders of tables are named `capture=KEY`, as Hive partitions are."""


@dataclass(frozen=True)
class Kept:
    """One capture's tables."""

    key: str
    folder: Path
    manifest: kept.Summary
    where: str = ""
    """The capture file as batch was given it; empty where only its name is known."""

    @property
    def named(self) -> str:
        """The capture file for a command: where it is, else its name."""
        return self.where or self.manifest.capture.file_name

    def path(self, table: str) -> Path:
        """The Parquet file of a table."""
        return self.folder / f"{table}.parquet"

    def rows(self, table: str) -> int:
        """Rows of a table, by the manifest."""
        return self.manifest.tables[table].rows


@dataclass(frozen=True)
class Catalogue:
    """Every capture below a folder, by key, and what was left out with its reason."""

    top: Path
    """The folder below which every table lies."""
    captures: list[Kept]
    left_out: list[tuple[Path, str]]

    def holding(self, table: str) -> list[Kept]:
        """Captures with at least one row in a table."""
        return [each for each in self.captures if each.rows(table)]


def find(out: Path) -> Catalogue:
    """The tables below `out`: what `batch -o OUT` wrote, a folder of `capture=KEY` folders, or one folder of tables.

    A folder that is damaged or of another version is left out, with its reason.

    Raises:
        UsageError: there is no such folder, or no capture's tables in it.
    """
    if not out.is_dir():
        if _URL.match(str(out)):
            raise UsageError(
                "tables are read from folders, not from URLs",
                detail=str(out),
                causes=("this is the output of a batch that wrote into remote storage",),
                next_step="copy its tables first, with aws s3 sync, rsync or the like, and name the folder of the copy",
            )
        raise UsageError(
            "the folder does not exist" if not out.exists() else "this is a file, not a folder of tables",
            detail=str(out),
            causes=("a misspelt path",),
            next_step=f"write tables first: tshark-report report CAPTURE --tables {out}",
        )
    if (out / kept.NAME).is_file():
        return Catalogue(out, [_whole(Kept(out.resolve().name or "capture", out, kept.summary(out)))], [])
    top = out / "tables" if (out / "tables").is_dir() else out
    where = _where(out / INDEX) if top != out else {}
    captures, left_out = [], []
    for folder in sorted(path for path in top.iterdir() if path.name.startswith(PREFIX) and path.is_dir()):
        try:
            key = folder.name.removeprefix(PREFIX)
            captures.append(_whole(Kept(key, folder, kept.summary(folder), where.get(key, ""))))
        except ReportError as error:
            left_out.append((folder, f"{error.what} ({error.detail})"))
    if not captures:
        first = left_out[0] if left_out else None
        raise UsageError(
            "there are no tables of any capture below this folder",
            detail=f"{first[0]}: {first[1]}" if first else f"{top}: no {PREFIX}KEY folder and no {kept.NAME}",
            causes=("it is another folder", "the captures were read without --tables"),
            next_step=f"tshark-report report CAPTURE --tables {top / (PREFIX + 'KEY')}",
        )
    return Catalogue(top, captures, left_out)


def _whole(found: Kept) -> Kept:
    """The same, once all of its files are known to be there in full; hashing thousands of them would take too long."""
    for table, stored in found.manifest.tables.items():
        try:
            size = found.path(table).stat().st_size
        except OSError as error:
            raise UsageError(
                "a table is missing",
                detail=f"{table}: {error.strerror}",
                causes=("it was removed after it was written",),
                next_step="read the capture again: tshark-report report CAPTURE --tables DIR",
            ) from error
        if size != stored.bytes:
            raise UsageError(
                "a table is damaged",
                detail=f"{table}: {size:,} bytes, not {stored.bytes:,}",
                causes=("it was changed or cut after it was written",),
                next_step="read the capture again: tshark-report report CAPTURE --tables DIR",
            )
    return found


class _Entry(msgspec.Struct, frozen=True):
    id: str
    path: str


class _Index(msgspec.Struct, frozen=True):
    captures: list[_Entry]


def _where(index: Path) -> dict[str, str]:
    """Key -> the capture's path as batch was given it; empty where there is no index, or none that can be read."""
    try:
        made = msgspec.json.decode(index.read_bytes(), type=_Index)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {each.id: each.path for each in made.captures}
