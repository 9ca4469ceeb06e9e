"""Baselines in files: what is written is read, and what is damaged is told."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.normal import office as o
from tshark_report.normal import store
from tshark_report.normal.model import VERSION
from tshark_report.normal.store import BaselineUnreadable


@pytest.mark.parametrize("name", ["normal.json", "normal.json.gz"])
def test_there_and_back(tmp_path: Path, name: str) -> None:
    made = o.learn(o.ordinary(3))
    path = tmp_path / name
    assert store.save(made, path) == path.stat().st_size
    assert store.load(path) == made
    again = tmp_path / ("2" + name)
    store.save(store.load(path), again)
    assert again.read_bytes() == path.read_bytes()


def _changed(tmp_path: Path, change: object) -> Path:
    path = tmp_path / "n.json"
    store.save(o.learn(o.ordinary(1)), path)
    data = json.loads(path.read_text())
    change(data)  # type: ignore[operator]
    path.write_text(json.dumps(data))
    return path


def test_another_version_says_so(tmp_path: Path) -> None:
    path = _changed(tmp_path, lambda d: d.update(schema_version=VERSION + 1))
    with pytest.raises(BaselineUnreadable, match="another schema version") as error:
        store.load(path)
    assert str(VERSION + 1) in error.value.detail


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(kind="something else"),
        lambda d: d.update(hosts=[]),
        lambda d: d.update(unknown=1),
        lambda d: d["hosts"]["10.0.0.5"].update(captures="many"),
        lambda d: d["hosts"]["10.0.0.5"].update(captures=-1),
        lambda d: d["hosts"]["10.0.0.5"]["used"]["tcp/443"].update(up=[0, [[999999999, 1]]]),
        lambda d: d["hosts"]["10.0.0.5"]["hours"].update({"22": -4}),
        lambda d: d.update(home=["not a network"]),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, change: object) -> None:
    with pytest.raises(BaselineUnreadable) as error:
        store.load(_changed(tmp_path, change))
    assert error.value.next_step


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"\x1f\x8b\x08cut short", b"\xff\xfe{}", b'{"kind": 5}', b"[" * 100_000]
)
def test_other_files_are_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "n.json"
    path.write_bytes(data)
    with pytest.raises(BaselineUnreadable):
        store.load(path)


def test_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(BaselineUnreadable, match="cannot be read"):
        store.load(tmp_path / "none.json")


def test_a_file_that_unpacks_to_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LARGEST", 1000)
    path = tmp_path / "n.json.gz"
    path.write_bytes(gzip.compress(b" " * 2000))
    with pytest.raises(BaselineUnreadable, match="cannot be read") as error:
        store.load(path)
    assert "larger" in error.value.detail


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 5000), byte=st.integers(0, 255))
def test_any_damage_is_told_or_harmless(tmp_path: Path, place: int, byte: int) -> None:
    path = tmp_path / "n.json"
    store.save(o.learn(o.ordinary(1)), path)
    data = bytearray(path.read_bytes())
    data[place % len(data)] = byte
    path.write_bytes(bytes(data))
    with contextlib.suppress(BaselineUnreadable):  # anything else would be a crash
        store.load(path)
