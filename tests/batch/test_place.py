"""What is in an output is whole, whatever happens to those who write it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from tshark_report.batch import place
from tshark_report.errors import RenderFailed, UsageError


@pytest.fixture(params=["local", "remote"])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> place.Place:
    """An output, here and in storage that fsspec reaches."""
    if request.param == "local":
        return place.of(str(tmp_path / "out"))
    pytest.importorskip("fsspec", reason="the cluster extra is not installed")
    return place.of(f"memory://{tmp_path.name}/out")


def _made(output: place.Place, path: str, **files: str) -> None:
    with output.building() as scratch:
        folder = scratch / "made"
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.json").write_text(text)
        output.publish(folder, path)


def test_files_and_folders(output: place.Place) -> None:
    output.begin()
    assert output.listing(place.REPORTS) == []
    assert output.read("index.json") is None
    output.write("index.json", b"1")
    output.write("index.json", b"2")
    assert output.read("index.json") == b"2"
    _made(output, "reports/a-1", summary="x", other="y")
    assert output.listing(place.REPORTS) == ["a-1"]
    assert output.read("reports/a-1/summary.json") == b"x"


def test_a_folder_is_replaced_as_a_whole(output: place.Place) -> None:
    output.begin()
    _made(output, "reports/a-1", summary="old", left="over")
    _made(output, "reports/a-1", summary="new")
    assert output.read("reports/a-1/summary.json") == b"new"
    assert output.read("reports/a-1/left.json") is None


def test_removing(output: place.Place) -> None:
    output.begin()
    output.write("failures/f.json", b"1")
    _made(output, "reports/a-1", summary="x")
    for path in ("failures/f.json", "reports/a-1", "never/there"):
        output.remove(path)
    assert output.listing("failures") == []
    assert output.listing(place.REPORTS) == []


def test_what_a_killed_run_left_is_swept_away_and_nothing_stays(tmp_path: Path) -> None:
    output = place.Local(str(tmp_path / "out"))
    output.begin()
    with output.building() as scratch:
        (scratch / "half").write_text("half")
        left = scratch
        again = place.Local(str(tmp_path / "out"))
        again.begin()
        assert not left.exists()
    output.write("index.html", b"x")
    output.end()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["index.html"]


def _hold(path: str, ready: object, go: object) -> None:
    with place.Local(path).alone():
        ready.set()  # type: ignore[attr-defined]
        go.wait(20)  # type: ignore[attr-defined]


def test_two_batches_do_not_share_an_output(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path / "out"), ready, go))
    other.start()
    assert ready.wait(20)
    with pytest.raises(UsageError, match="another batch"), place.Local(str(tmp_path / "out")).alone():
        pass
    other.kill()  # a lock goes with its process, however that ends
    other.join()
    with place.Local(str(tmp_path / "out")).alone():
        pass


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(RenderFailed, match="cannot be made"):
        place.Local(str(path)).begin()
