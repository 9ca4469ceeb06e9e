"""Nobody ever sees half a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tshark_report.errors import RenderFailed
from tshark_report.report import write


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "a report.html"
    write.atomically(target, b"one")
    target.chmod(0o640)
    write.atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write.atomically(tmp_path / "x", b"")
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write.atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderFailed, match="folder"):
        write.atomically(tmp_path, b"")


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderFailed):
        write.atomically(tmp_path / "no" / "x", b"")


def test_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RenderFailed) as caught:
        write.atomically(target, b"new")
    assert caught.value.detail == "No space left on device"
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_device_is_written_to() -> None:
    write.atomically(Path("/dev/null"), b"x")
    assert not Path("/dev/null").is_file()
