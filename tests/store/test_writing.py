"""A folder of tables is whole or not there; nothing else of the user's is touched."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import fixture_capture
from tshark_report import store
from tshark_report.errors import RenderFailed, UsageError
from tshark_report.pipeline import Built, tell
from tshark_report.reading import Opened, Request, opened
from tshark_report.store import manifest
from tshark_report.store.schema import TABLES
from tshark_report.store.writing import check_target

pytestmark = pytest.mark.tshark
Read = tuple[Request, Opened, Built]


@pytest.fixture(scope="module")
def told():  # noqa: ANN201
    """A small capture that was read and told."""
    request = Request(fixture_capture("unanswered"))
    with opened(request) as read:
        yield request, read, tell(request, read, evidence=False)


def write(told: Read, folder: Path) -> manifest.Manifest:
    request, read, built = told
    return store.write(folder, *read[:2], request, built.report, built.told)


def test_every_table_is_there_and_only_its_owner_may_look(told: Read, tmp_path: Path) -> None:
    made = write(told, tmp_path / "t")
    assert {p.name for p in (tmp_path / "t").iterdir()} == {f"{name}.parquet" for name in TABLES} | {manifest.NAME}
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o700
    for name, schema in TABLES.items():
        assert dict(pl.read_parquet_schema(tmp_path / "t" / f"{name}.parquet")) == schema
    assert made.tables["packets"].rows == told[1][0].tables.packets.height


def test_no_path_of_this_machine_is_kept(told: Read, tmp_path: Path) -> None:
    write(told, tmp_path / "t")
    text = (tmp_path / "t" / manifest.NAME).read_text()
    assert str(told[0].capture.parent) not in text
    assert str(told[1][2]) not in text
    assert "capture.pcapng" in text


def test_the_same_bytes_again(told: Read, tmp_path: Path) -> None:
    write(told, tmp_path / "a")
    write(told, tmp_path / "b")
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "ab")
    assert one == two


def test_an_older_folder_is_replaced_whole(told: Read, tmp_path: Path) -> None:
    write(told, tmp_path / "t")
    (tmp_path / "t" / "left.txt").write_text("of an older version")
    write(told, tmp_path / "t")
    assert not (tmp_path / "t" / "left.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_a_link_to_a_folder_stays(told: Read, tmp_path: Path) -> None:
    write(told, tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(told, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert manifest.load(tmp_path / "real").tables


def test_what_fails_leaves_nothing_and_the_old_as_it_was(
    told: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(told, tmp_path / "t")
    before = {p.name: p.read_bytes() for p in (tmp_path / "t").iterdir()}
    real, calls = pl.DataFrame.write_parquet, []

    def failing(self: pl.DataFrame, path: Path, **more: object) -> None:
        calls.append(path)
        if len(calls) > 5:
            raise OSError(28, "No space left on device")
        real(self, path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(pl.DataFrame, "write_parquet", failing)
    with pytest.raises(RenderFailed) as caught:
        write(told, tmp_path / "t")
    assert "No space left" in caught.value.detail
    assert {p.name: p.read_bytes() for p in (tmp_path / "t").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("kind", ["file", "other", "no parent", "foreign manifest"])
def test_refused_before_anything_is_touched(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "t"
    if kind == "file":
        target.write_text("mine")
    elif kind == "no parent":
        target = tmp_path / "absent" / "t"
    else:
        target.mkdir()
        name = "notes.txt" if kind == "other" else manifest.NAME
        (target / name).write_text('{"format": "another program"}')
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    with pytest.raises((UsageError, RenderFailed)) as caught:
        check_target(target)
    assert caught.value.next_step
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before


def test_sweep_takes_only_what_killed_writers_left(tmp_path: Path) -> None:
    for name in (".t.abc.partial", "t", ".git", "x.partial"):
        (tmp_path / name).mkdir()
    assert store.sweep(tmp_path) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [".git", "t", "x.partial"]
    assert store.sweep(tmp_path / "absent") == 0
