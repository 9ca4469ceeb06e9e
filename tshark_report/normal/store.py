"""Baselines in files: read with every doubt, written whole or not at all."""

from __future__ import annotations

import gzip
import ipaddress
import zlib
from pathlib import Path
from typing import Any

import msgspec

from tshark_report.errors import UsageError
from tshark_report.normal import amounts
from tshark_report.normal.model import KIND, VERSION, Baseline, Bins
from tshark_report.report import write

LARGEST = 256 * 1024 * 1024
"""Bytes of a baseline, unpacked, that are read: far above what the limits of normal.merge allow."""


class BaselineUnreadable(UsageError):
    """The file is missing, damaged, no baseline, or of another schema version."""


def load(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        BaselineUnreadable: the file is missing, damaged, no baseline, or of another schema version.
    """
    data = _unpacked(path)
    try:
        head = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, f"it is damaged: {error}") from error
    if not isinstance(head, dict) or head.get("kind") != KIND:
        raise _unreadable(path, "it is JSON, but no baseline")
    version = head.get("schema_version")
    if version != VERSION:
        raise BaselineUnreadable(
            "the baseline is of another schema version",
            detail=f"{path.name}: version {version!r}, this program reads {VERSION}",
            causes=("it was written by another version of tshark-report",),
            next_step=f"tshark-report baseline learn CAPTURES -o {path.name}",
        )
    try:
        made = msgspec.convert(head, Baseline)
    except msgspec.ValidationError as error:
        raise _unreadable(path, f"it is damaged: {error}") from error
    wrong = _wrong(made)
    if wrong:
        raise _unreadable(path, f"it is damaged: {wrong}")
    return made


def save(baseline: Baseline, path: Path) -> int:
    """Write a baseline (packed where the name ends in .gz) and say how many bytes it has.

    Raises:
        RenderFailed: it could not be written.
    """
    data = msgspec.json.encode(baseline, order="deterministic") + b"\n"
    if path.suffix.lower() == ".gz":
        data = gzip.compress(data, mtime=0)
    write.atomically(path, data)
    return len(data)


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if packed:
            with gzip.open(path) as file:
                data = file.read(LARGEST + 1)
        else:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _unreadable(path, detail) from error
    if len(data) > LARGEST:
        raise _unreadable(path, f"it is larger than {LARGEST // 1024**2} MiB")
    return data


def _unreadable(path: Path, why: str) -> BaselineUnreadable:
    return BaselineUnreadable(
        "the baseline cannot be read",
        detail=f"{path.name}: {why}",
        causes=("a misspelt path", "another kind of file", "a file that was cut short"),
        next_step="tshark-report baseline learn CAPTURES -o normal.json",
    )


def _wrong(one: Baseline) -> str:
    """What in a file of the right shape cannot be; "" where all can."""
    for name in one.home:
        try:
            ipaddress.ip_network(name)
        except ValueError:
            return f"home network {name[:60]!r}"
    for where, profiles in (("networks", one.networks), ("hosts", one.hosts)):
        for key, profile in profiles.items():
            if not _sound(profile):
                return f"{where}, {key[:60]!r}: a count or bin that cannot be"
    return ""


def _sound(value: Any) -> bool:
    """Every count is a count and every bin one that normal.amounts writes, at any depth."""
    if isinstance(value, Bins):
        return amounts.fits(value)
    if isinstance(value, msgspec.Struct):
        return all(_sound(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return all(_sound(inner) for inner in value.values())
    return not isinstance(value, int | float) or 0 <= value < 2**53
