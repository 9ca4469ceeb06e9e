"""manifest.json of a folder of tables: what the tables are of, what made them, and what tshark said besides."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeVar

import msgspec

from tshark_report.capture.about import About
from tshark_report.capture.dissect import Options
from tshark_report.errors import UsageError
from tshark_report.report.model import LayerDetail
from tshark_report.store.schema import SCHEMA_VERSION, TABLES

NAME = "manifest.json"
FORMAT = "tshark-report tables"
"""Names the format, so that another program's manifest.json is not taken for ours."""

LARGEST = 256 * 1024 * 1024
"""Bytes of a manifest that is read; one of a million packets has a few megabytes, mostly tshark's statistics."""


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """The programs that read the capture."""

    name: str
    version: str
    tshark_version: str
    tshark_full_version: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The capture file and what it says of itself; names as in report.json."""

    file_name: str
    sha256: str
    file_bytes: int
    file_type: str
    packets: int
    bytes_captured: int = 0
    compressed: bool = False
    link_types: list[str] = []
    interfaces: list[str] = []
    application: str = ""
    system: str = ""
    comments: list[str] = []
    truncated: bool = False
    ordered: bool = True
    snap_cut: int = 0
    warnings: list[str] = []


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was passed through to tshark. The key log itself is not kept, only its SHA-256."""

    display_filter: str = ""
    keylog_sha256: str = ""
    decode_as: list[str] = []
    preferences: list[str] = []
    profile: str = ""


def asked(options: Options) -> Asked:
    """What a manifest says about the options.

    Raises:
        UsageError: the key log cannot be read.
    """
    try:
        secrets = digest(options.keylog) if options.keylog is not None else ""
    except OSError as error:
        raise UsageError(
            "the key log file cannot be read",
            detail=f"{options.keylog}: {error.strerror}",
            causes=("it was moved or removed", "it belongs to somebody else"),
            next_step=f"ls -l {options.keylog}",
        ) from error
    return Asked(
        display_filter=options.display_filter,
        keylog_sha256=secrets,
        decode_as=list(options.decode_as),
        preferences=list(options.preferences),
        profile=options.profile,
    )


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the folder."""

    rows: int
    bytes: int
    sha256: str


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What tshark said about the findings: packets that each display filter selected, and cited packets decoded."""

    counts: dict[str, int] = {}
    layers: dict[int, list[LayerDetail]] = {}
    evidence: Stored | None = None
    about: About = About()
    secrets: bool = False
    """Packets of login findings are among them, passwords and all."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole manifest."""

    format: str
    schema_version: int
    tool: Maker
    capture: Source
    options: Asked
    settings: str = ""
    """The settings file that was in force, as text; empty for none."""
    tables: dict[str, Stored]
    missing_fields: list[str] = []
    not_made: dict[str, str] = {}
    taps: list[str] = []
    commands: list[tuple[str, str]] = []
    answers: Answers = Answers()


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def again(folder: Path, name: str = "CAPTURE") -> str:
    """The command that makes a folder of tables."""
    return f"make them again: tshark-report report {name} --tables {folder}"


def is_ours(folder: Path) -> bool:
    """Does the folder hold tables that this tool wrote, of any version?"""
    try:
        with (folder / NAME).open("rb") as file:
            return FORMAT.encode() in file.read(4096)
    except OSError:
        return False


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a manifest that says what the tables are of; thousands of them are read at once."""

    capture: Source
    options: Asked
    tables: dict[str, Stored]


def load(folder: Path) -> Manifest:
    """The manifest of a folder of tables.

    Raises:
        UsageError: there is none, it is another program's, damaged, or of another version.
    """
    return _load(folder, Manifest)


def summary(folder: Path) -> Summary:
    """What the tables of a folder are of. Raises as `load` does."""
    return _load(folder, Summary)


M = TypeVar("M", Manifest, Summary)


def _load(folder: Path, kind: type[M]) -> M:
    path, data = folder / NAME, _content(folder)
    try:
        version = msgspec.json.decode(data, type=_Versioned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused("the manifest of the tables cannot be read", folder, f"{path}: {error}") from error
    if version.format != FORMAT:
        raise UsageError(
            "these tables were not written by tshark-report",
            detail=f"{path}: format {version.format[:60] or 'not named'}",
            causes=("another program's folder",),
            next_step=again(folder),
        )
    if version.schema_version != SCHEMA_VERSION:
        raise UsageError(
            "these tables are of another version",
            detail=f"{path}: schema version {version.schema_version}, this tool reads {SCHEMA_VERSION}",
            causes=("they were written by an older or newer tshark-report",),
            next_step=again(folder),
        )
    try:
        made = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused("the manifest of the tables cannot be read", folder, f"{path}: {error}") from error
    name = made.capture.file_name
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise _refused("the manifest names no file as the capture", folder, f"{path}: {name[:100]}")
    unlike = sorted(set(TABLES) ^ set(made.tables))
    if unlike:
        raise UsageError(
            "these tables are of another version",
            detail=f"{path}: tables differ: {', '.join(unlike)[:200]}",
            causes=("they were written by an older or newer tshark-report",),
            next_step=again(folder),
        )
    return made


def _content(folder: Path) -> bytes:
    path = folder / NAME
    try:
        if path.stat().st_size > LARGEST:
            raise _refused("the manifest of the tables is too large", folder, f"{path}: more than {LARGEST:,} bytes")
        return path.read_bytes()
    except OSError as error:
        missing = not folder.is_dir()
        raise UsageError(
            "the folder of tables does not exist" if missing else "there are no tables in this folder",
            detail=f"{folder if missing else path}: {error.strerror or error}",
            causes=("a misspelt path",) if missing else ("it is another folder", "--tables was never written there"),
            next_step=again(folder),
        ) from error


class _Versioned(msgspec.Struct, frozen=True):
    format: str = ""
    schema_version: int = 0


def _refused(what: str, folder: Path, detail: str) -> UsageError:
    return UsageError(
        what, detail=detail, causes=("the folder is damaged, or was changed by hand",), next_step=again(folder)
    )
