"""Captures and output in storage that fsspec reaches."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.batch.made import job, several
from tshark_report.batch import discover, remote
from tshark_report.batch.run import Wanted, run
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import UsageError


def test_what_is_a_url() -> None:
    assert remote.is_url("s3://bucket/x")
    assert remote.is_url("sftp://host/x")
    assert not remote.is_url("C:\\captures")
    assert not remote.is_url("/data/a:b")


def test_without_the_extra_a_url_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError) as error:
        remote.opened("s3://bucket/x")
    assert error.value.next_step == 'pip install "tshark-report[s3]"'
    with pytest.raises(UsageError) as error:
        remote.opened("gs://bucket/x")
    assert error.value.next_step == 'pip install "tshark-report[cluster]"'


def test_unknown_storage_and_nothing_there() -> None:
    pytest.importorskip("fsspec", reason="the cluster extra is not installed")
    with pytest.raises(UsageError, match="cannot be opened"):
        remote.opened("nosuch://x/y")
    with pytest.raises(UsageError, match="cannot be read"):
        list(remote.files("memory://nothing/here"))


def test_a_batch_from_storage_to_storage_and_again(tmp_path: Path, tshark: Tshark) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the cluster extra is not installed")
    several(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("no capture")
    # Workers are other processes: `file://` is storage that all of them see.
    root, out = f"file://{tmp_path}", f"file://{tmp_path}/deep/out"
    assert sorted(f.name for f in discover.look([root]).found) == ["c00.pcap", "c01.pcap"]
    wanted = Wanted((root,), out, job(tshark.version, formats=("json",)), jobs=1, index_pdf=False)
    first = run(wanted, lambda _told: None)
    assert (first.reported, first.failed) == (2, 0)
    system, path = fsspec.core.url_to_fs(out)
    rows = json.loads(system.cat_file(f"{path}/index.json"))["captures"]
    assert sorted(r["path"] for r in rows) == [f"file://{tmp_path}/c00.pcap", f"file://{tmp_path}/c01.pcap"]
    second = run(wanted, lambda _told: None)
    assert (second.reported, second.kept) == (0, 2), "what the storage says of the content was kept"
