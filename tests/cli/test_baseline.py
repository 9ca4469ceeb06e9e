"""`baseline` as its users meet it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_report import run
from tests.conftest import fixture_capture

pytestmark = pytest.mark.tshark


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a baseline of one capture."""
    made = tmp_path_factory.mktemp("cli-baseline")
    (made / "good").mkdir()
    shutil.copy(fixture_capture("clean_wire"), made / "good" / "a.pcapng")
    done = run("baseline", "learn", "good", cwd=made)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "normal.json\n"
    assert "1 of 1 captures learnt" in done.stderr
    return made


def test_add_and_merge_say_the_same(folder: Path) -> None:
    other = fixture_capture("fast_server")
    assert run("baseline", "learn", other, "-o", "other.json", cwd=folder).returncode == 0
    shutil.copy(folder / "normal.json", folder / "added.json")
    assert run("baseline", "learn", other, "--add-to", "added.json", cwd=folder).returncode == 0
    done = run("baseline", "merge", "normal.json", "other.json", "-o", "merged.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    added, merged = (json.loads((folder / n).read_text()) for n in ("added.json", "merged.json"))
    for one in (added, merged):
        one.pop("created")
    assert added == merged
    twice = run("baseline", "merge", "normal.json", "added.json", "-o", "x.json", cwd=folder)
    assert twice.returncode == 2
    assert "would count twice" in twice.stderr
    assert not (folder / "x.json").exists()


def test_learning_the_same_again_says_so(folder: Path) -> None:
    before = (folder / "normal.json").read_bytes()
    done = run("baseline", "learn", "good", "--add-to", "normal.json", cwd=folder)
    assert done.returncode == 2
    assert "nothing was learnt" in done.stderr
    assert "1 known" in done.stderr
    assert (folder / "normal.json").read_bytes() == before


def test_show(folder: Path) -> None:
    assert "network 10.20.0.0/24" in run("baseline", "show", "normal.json", cwd=folder).stdout
    assert "files.partner.example" in run("baseline", "show", "normal.json", "--host", "10.20.0.21", cwd=folder).stdout
    assert json.loads(run("baseline", "show", "normal.json", "--json", cwd=folder).stdout)["captures"] == 1
    done = run("baseline", "show", "normal.json", "-o", "n.html", cwd=folder)
    assert done.stdout == "n.html\n"
    assert "<svg" in (folder / "n.html").read_text()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("learn", "nothing-here"), "does not exist"),
        (("learn", "."), "no capture"),
        (("learn", "x.pcap", "--add-to", "gone.json"), "cannot be read"),
        (("show", "gone.json"), "cannot be read"),
        (("merge", "gone.json"), "cannot be read"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, args: tuple[str, ...], words: str) -> None:
    done = run("baseline", *args, cwd=tmp_path)
    assert done.returncode in (2, 4)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_report_with_a_baseline_that_is_damaged_still_comes(folder: Path) -> None:
    (folder / "bad.json").write_bytes((folder / "normal.json").read_bytes()[:400])
    done = run("report", "good/a.pcapng", "--baseline", "bad.json", "-o", "r.json", cwd=folder)
    assert done.returncode == 0
    assert "Nothing was compared" in done.stderr
    assert json.loads((folder / "r.json").read_text())["normal"]["problem"]
    missing = run("report", "good/a.pcapng", "--baseline", "gone.json", "-o", "r2.json", cwd=folder)
    assert missing.returncode == 2
    assert "the baseline does not exist" in missing.stderr
    assert not (folder / "r2.json").exists()
