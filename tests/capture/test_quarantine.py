"""Kept files: one zip, the usual password, names made by us, a manifest that opens as text."""

from __future__ import annotations

import csv
import hashlib
import io
import stat
from pathlib import Path

import polars as pl
import pytest

from tshark_report.capture import quarantine
from tshark_report.errors import RenderFailed, UsageError
from tshark_report.tables.tables import FILE_SCHEMA

pyzipper = pytest.importorskip("pyzipper")

NAMES = ("../../etc/cron.d/x", "CON", "=cmd|' /C calc'!A0", "a\x1b]0;t\x07b\u202egpj.exe", "x" * 65_000, '\udcff\n,"')


def staged(folder: Path) -> pl.DataFrame:
    """Exported objects in `folder`, and their rows in the files table."""
    (folder / "http").mkdir(parents=True)
    rows = []
    for number, name in enumerate(NAMES):
        content = f"MZ {number}".encode()
        (folder / "http" / f"o{number}").write_bytes(content)
        made = dict.fromkeys(FILE_SCHEMA) | {"name": name.encode("utf-8", "replace").decode(), "protocol": "http"}
        rows.append(made | {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})
    (folder / "http" / "link").symlink_to("/etc/passwd")
    return pl.DataFrame(rows, schema=FILE_SCHEMA)


def test_names_are_made_by_us(tmp_path: Path) -> None:
    files = staged(tmp_path / "objects")
    path, number = quarantine.write(tmp_path / "objects", files, tmp_path / "kept", "ab" * 32)
    assert number == len(NAMES)
    assert [p.name for p in (tmp_path / "kept").iterdir()] == [f"files-{'ab' * 8}.zip"]
    assert not path.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    with pyzipper.AESZipFile(path) as packed:
        names = packed.namelist()
        with pytest.raises(RuntimeError):
            packed.read(names[0])
        packed.setpassword(b"infected")
        assert all(name == "manifest.csv" or (name[5] == "-" and name.endswith(".bin")) for name in names)
        assert all(not (info.external_attr >> 16) & 0o111 for info in packed.infolist())
        assert packed.read(names[0]).startswith(b"MZ")
        table = list(csv.reader(io.StringIO(packed.read("manifest.csv").decode())))
    assert len(table) == len(NAMES) + 1
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in table for cell in row)
    assert b"root:" not in path.read_bytes()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError):
        quarantine.checked(tmp_path / "file")
    with pytest.raises(RenderFailed):
        quarantine.write(tmp_path, pl.DataFrame(schema=FILE_SCHEMA), tmp_path / "file" / "below", "ab")
    quarantine.checked(tmp_path / "new")


def test_too_many_bytes_are_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = staged(tmp_path / "objects")
    monkeypatch.setattr(quarantine, "MOST_BYTES", 9)
    path, number = quarantine.write(tmp_path / "objects", files, tmp_path, "ab")
    assert number == 2
    with pyzipper.AESZipFile(path) as packed:
        packed.setpassword(b"infected")
        assert packed.read("manifest.csv").count(b"left out") == len(NAMES) - 2
