"""Tables of one read capture into a folder, so that nobody ever sees half of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from tshark_report import __version__
from tshark_report.capture.load import Loaded
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import RenderFailed, UsageError
from tshark_report.store import manifest as kept
from tshark_report.store.manifest import Manifest, Stored
from tshark_report.store.schema import SCHEMA_VERSION, frames_of
from tshark_report.store.told import Told

if TYPE_CHECKING:
    from tshark_report.reading import Request
    from tshark_report.report.model import Report

PARTIAL = ".partial"
"""Suffix of the folder that is written beside the one it replaces."""
EVIDENCE = "evidence.pcapng"
COMPRESSION_LEVEL = 1
"""zstd level: half the size of lz4 at the same speed, and higher levels cost more time than they save bytes."""


def write(folder: Path, loaded: Loaded, tshark: Tshark, request: Request, report: Report, told: Told) -> Manifest:
    """Write every table of a capture, and what a report needs besides, into `folder`.

    The folder is written beside and renamed, its manifest last; an older folder of tables there is replaced. Tables
    hold what crossed the wire, passwords in clear included: the folder is as confidential as the capture, so that it
    is made readable for its owner alone.

    Raises:
        UsageError: `folder` is there and holds something else than tables.
        RenderFailed: it cannot be written.
    """
    check_target(folder)
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name[:100]}.", suffix=PARTIAL, dir=folder.absolute().parent))
        try:
            made = _fill(beside, loaded, tshark, request, report, told)
            _into_place(beside, folder)
        except BaseException:
            # Also on Ctrl-C: what is half-written must not stay.
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except (OSError, pl.exceptions.ComputeError) as error:
        raise RenderFailed(
            "the tables cannot be written",
            detail=f"{folder}: {getattr(error, 'strerror', None) or error}",
            causes=("the folder above does not exist or is not writable", "the disk is full"),
            next_step="choose another place with --tables DIR",
        ) from error
    return made


def check_target(folder: Path) -> None:
    """May tables be written to `folder`? Asked before the work, too.

    Raises:
        UsageError: it is a file, or a folder that holds something else than tables.
        RenderFailed: the folder above it is missing or not writable.
    """
    above = folder.absolute().parent
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            "tables are a folder, and this is a file",
            detail=str(folder),
            next_step="name another place: --tables DIR",
            causes=("another option was meant: -o writes a file",),
        )
    if folder.is_dir() and any(folder.iterdir()) and not kept.is_ours(folder):
        raise UsageError(
            "the folder for the tables holds something else",
            detail=f"{folder}: not empty, and no {kept.NAME} of this tool in it",
            causes=("it is another folder than you think", "it is the result of another program"),
            next_step="name a new folder: --tables DIR",
        )
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise RenderFailed(
            "the tables cannot be written",
            detail=f"{above}: {'not writable' if above.is_dir() else 'no such folder'}",
            causes=("a misspelt path", "it belongs to somebody else"),
            next_step=f"mkdir -p {above}" if not above.is_dir() else "choose another place with --tables DIR",
        )


def sweep(parent: Path) -> int:
    """Remove what killed writers left below `parent`, and say how many folders. No writer may be at work there."""
    left = [path for path in parent.glob(f".*{PARTIAL}") if path.is_dir()] if parent.is_dir() else []
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _fill(folder: Path, loaded: Loaded, tshark: Tshark, request: Request, report: Report, told: Told) -> Manifest:
    stored: dict[str, Stored] = {}
    for name, rows in frames_of(loaded.tables, report).items():
        path = folder / f"{name}.parquet"
        rows.write_parquet(path, compression="zstd", compression_level=COMPRESSION_LEVEL)
        stored[name] = _stored(path, rows.height)
    evidence = None
    if told.evidence:
        (folder / EVIDENCE).write_bytes(told.evidence)
        evidence = _stored(folder / EVIDENCE, 0)
    capture, options = loaded.capture, request.options
    made = Manifest(
        format=kept.FORMAT,
        schema_version=SCHEMA_VERSION,
        tool=kept.Maker(
            name="tshark-report",
            version=__version__,
            tshark_version=tshark.version,
            tshark_full_version=tshark.full_version,
        ),
        capture=kept.Source(
            file_name=capture.original.name,
            sha256=capture.sha256,
            file_bytes=capture.file_bytes,
            file_type=capture.file_type,
            packets=capture.packets,
            bytes_captured=report.capture.bytes_captured,
            compressed=capture.compressed,
            link_types=capture.link_types,
            interfaces=capture.interfaces,
            application=capture.application,
            system=capture.system,
            comments=capture.comments,
            truncated=capture.truncated,
            ordered=capture.ordered,
            snap_cut=capture.snap_cut,
            warnings=capture.warnings,
        ),
        options=kept.asked(options),
        settings=request.settings.text,
        tables=stored,
        missing_fields=sorted(loaded.tables.missing_fields),
        not_made=dict(sorted(loaded.tables.not_made.items())),
        taps=loaded.taps,
        # As the report shows them: without paths of this machine.
        commands=[(c.purpose, c.command) for c in report.commands],
        answers=kept.Answers(
            counts=dict(told.counts),
            layers={frame: list(layers) for frame, layers in told.layers.items()},
            evidence=evidence,
            about=told.about,
            secrets=request.settings.show_secrets,
        ),
    )
    _write_durably(folder / kept.NAME, msgspec.json.format(msgspec.json.encode(made), indent=1))
    return made


def _stored(path: Path, rows: int) -> Stored:
    return Stored(rows=rows, bytes=path.stat().st_size, sha256=kept.digest(path))


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _into_place(beside: Path, folder: Path) -> None:
    target = folder.resolve() if folder.is_symlink() else folder
    if not target.exists():
        beside.rename(target)
        return
    # A folder cannot be renamed over a full one: the old one steps aside first, and comes back where that fails.
    old = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", suffix=PARTIAL, dir=target.absolute().parent))
    aside = old / target.name
    target.rename(aside)
    try:
        beside.rename(target)
    except OSError:
        with contextlib.suppress(OSError):
            aside.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
