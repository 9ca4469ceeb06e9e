"""A folder of tables back into a read capture, so that its report can be told again without tshark."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tshark_report import settings as settings_module
from tshark_report.capture.check import CaptureFile
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import Loaded
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import UsageError
from tshark_report.reading import Opened, Request
from tshark_report.store import manifest as kept
from tshark_report.store.manifest import Manifest, Stored
from tshark_report.store.schema import READ, Schema, tables_of
from tshark_report.store.told import Told
from tshark_report.store.writing import EVIDENCE


@dataclass(frozen=True)
class Again:
    """A capture as it was read before, and what pipeline.tell needs to tell its report again."""

    opened: Opened
    told: Told
    options: Options
    """The options with which the capture was read, as far as they change what the report says of itself."""
    settings: settings_module.Settings
    """The settings that were in force."""
    manifest: Manifest

    def told_for(self, request: Request) -> Told:
        """What tshark said, as far as it fits the request.

        Packets that were decoded and cut out with their passwords are kept back from a report that does not ask for
        them; packets that other settings cut out belong to other findings.
        """
        if self.manifest.answers.secrets and not request.settings.show_secrets:
            return Told(self.told.counts, about=self.told.about)
        same = replace(request.settings, show_secrets=self.settings.show_secrets) == self.settings
        return self.told if same else replace(self.told, evidence=b"")

    def request(self, given: Request, *, own_settings: bool) -> Request:
        """The request for the report: what was given, on the capture and options of the tables.

        Raises:
            UsageError: tshark options were given that differ from those of the tables.
        """
        check_options(self, given.options)
        chosen = given.settings if own_settings else self.settings
        return replace(given, capture=self.opened[0].capture.path, options=self.options, settings=chosen)


def read(folder: Path) -> Again:
    """Read a folder of tables that `write` made.

    Raises:
        UsageError: it is missing, another program's, of another version, or damaged.
    """
    made = kept.load(folder)
    frames = {name: _table(folder, name, schema, made.tables[name]) for name, schema in READ.items()}
    tables = tables_of(frames, made.capture.link_types, made.missing_fields, made.not_made)
    try:
        commands = [(purpose, shlex.split(command)) for purpose, command in made.commands]
    except ValueError as error:
        raise _damaged(folder / kept.NAME, f"a command in it cannot be read: {error}", folder) from error
    loaded = Loaded(_capture(made.capture), tables, made.taps, commands)
    tshark = Tshark("", made.tool.tshark_version, (0, 0, 0), made.tool.tshark_full_version)
    evidence = b""
    if made.answers.evidence is not None:
        evidence = _checked(folder / EVIDENCE, made.answers.evidence, folder)
    settings = settings_module.loads(made.settings, f"{folder / kept.NAME} (settings)")
    told = Told(made.answers.counts, made.answers.layers, evidence, made.answers.about)
    return Again((loaded, tshark, folder, {}), told, _options(made.options), settings, made)


def _capture(source: kept.Source) -> CaptureFile:
    """The capture file as its manifest tells it; the file itself is not needed and may be gone."""
    path = Path(source.file_name)
    return CaptureFile(
        original=path,
        path=path,
        file_type=source.file_type,
        file_bytes=source.file_bytes,
        sha256=source.sha256,
        packets=source.packets,
        link_types=source.link_types,
        compressed=source.compressed,
        interfaces=source.interfaces,
        application=source.application,
        system=source.system,
        comments=source.comments,
        truncated=source.truncated,
        ordered=source.ordered,
        snap_cut=source.snap_cut,
        bytes_captured=source.bytes_captured,
        warnings=source.warnings,
    )


def _options(asked: kept.Asked) -> Options:
    return Options(
        display_filter=asked.display_filter,
        decode_as=tuple(asked.decode_as),
        preferences=tuple(asked.preferences),
        profile=asked.profile,
    )


def check_capture(again: Again, capture: Path, sha256: str) -> None:
    """Are the tables those of this file?

    Raises:
        UsageError: they were read from a file with another content.
    """
    if sha256 != again.manifest.capture.sha256:
        raise UsageError(
            "the tables are of another capture",
            detail=f"{capture} has SHA-256 {sha256[:16]}..., the tables are of {again.manifest.capture.file_name} "
            f"with {again.manifest.capture.sha256[:16]}...",
            causes=("the capture was written on after the tables were made", "the folder is another capture's"),
            next_step=kept.again(again.opened[2], str(capture)),
        )


def check_options(again: Again, options: Options) -> None:
    """Were the tables read with these options? Options that were not given are not asked about.

    Raises:
        UsageError: one was given that differs.
    """
    wanted, had = kept.asked(options), again.manifest.options
    flags = (
        ("--filter, --from, --to", wanted.display_filter, had.display_filter),
        ("--keylog", wanted.keylog_sha256, had.keylog_sha256),
        ("--decode-as", wanted.decode_as, had.decode_as),
        ("--pref", wanted.preferences, had.preferences),
        ("--profile", wanted.profile, had.profile),
    )
    unlike = [name for name, given, before in flags if given and given != before]
    if unlike:
        raise UsageError(
            "the tables were read with other options",
            detail="; ".join(unlike),
            causes=("these options change what tshark reads, and tshark is not run here",),
            next_step=kept.again(again.opened[2], again.manifest.capture.file_name) + " with these options",
        )


def _table(folder: Path, name: str, schema: Schema, stored: Stored) -> pl.DataFrame:
    path = folder / f"{name}.parquet"
    data = _checked(path, stored, folder)
    try:
        rows = pl.read_parquet(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, str(error).split("\n", 1)[0], folder) from error
    if dict(rows.schema) != schema:
        unlike = sorted(set(rows.schema.items()) ^ set(schema.items()), key=lambda pair: pair[0])
        raise UsageError(
            "these tables are of another version",
            detail=f"{path}: columns differ: {', '.join(dict.fromkeys(column for column, _ in unlike))[:200]}",
            causes=("they were written by an older or newer tshark-report",),
            next_step=kept.again(folder),
        )
    if rows.height != stored.rows:
        raise _damaged(path, f"{rows.height:,} rows where the manifest says {stored.rows:,}", folder)
    return rows


def _checked(path: Path, stored: Stored, folder: Path) -> bytes:
    """The content of a file of the folder, once its hash has been compared with the manifest's."""
    try:
        if path.stat().st_size != stored.bytes:
            raise _damaged(path, f"{path.stat().st_size:,} bytes where the manifest says {stored.bytes:,}", folder)
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error.strerror or str(error), folder) from error
    if hashlib.sha256(data).hexdigest() != stored.sha256:
        raise _damaged(path, "its SHA-256 is not the one in the manifest", folder)
    return data


def _damaged(path: Path, detail: str, folder: Path) -> UsageError:
    return UsageError(
        "the tables are damaged",
        detail=f"{path}: {detail}",
        causes=("a file was changed, or a copy of the folder is not whole",),
        next_step=kept.again(folder),
    )
