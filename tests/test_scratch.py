"""Scratch folders: gone afterwards, swept where their owner was killed, and nobody else's ever touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import TOP
from tshark_report import scratch


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of its own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def old(place: Path) -> Path:
    past = time.time() - 2 * scratch.FRESH_SECONDS
    os.utime(place, (past, past))
    return place


def test_it_is_there_and_gone(here: Path) -> None:
    with scratch.folder() as place:
        assert place.parent == here
        assert place.stat().st_mode & 0o777 == 0o700
        (place / "objects").mkdir()
        (place / "objects" / "file").write_text("x")
    assert list(here.iterdir()) == []


def test_it_goes_with_an_error_too(here: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch.folder():
        raise KeyboardInterrupt
    assert list(here.iterdir()) == []


def test_what_is_still_written_while_it_is_removed_does_not_stay(here: Path) -> None:
    """A tshark that was ended a moment ago writes its last files."""
    stop = time.monotonic() + 0.4

    def write(place: Path) -> None:
        number = 0
        while time.monotonic() < stop:
            number += 1
            try:
                (place / f"file{number}").write_text("x")
            except OSError:
                continue

    with scratch.folder() as place:
        thread = threading.Thread(target=write, args=(place,))
        thread.start()
    thread.join()
    assert list(here.iterdir()) == []


HOLD = "import sys, time; sys.path.insert(0, {top!r}); from tshark_report import scratch\nwith scratch.folder() as place:\n    (place / 'config').mkdir(); print(place, flush=True); time.sleep(60)"


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders there")
def test_what_a_killed_process_left_is_swept_and_a_living_one_keeps_its_own(here: Path) -> None:
    command = [sys.executable, "-c", HOLD.format(top=str(TOP))]
    env = dict(os.environ) | {"TMPDIR": str(here)}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) for _ in range(2)]
    try:
        places = [Path(each.stdout.readline().strip()) for each in running if each.stdout]
        killed, living = (old(place) for place in places)
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()
        assert scratch.sweep(here) == [killed]
        assert not killed.exists()
        assert (living / "config").is_dir()
    finally:
        for each in running:
            each.kill()
            each.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders there")
def test_only_what_is_ours_and_old_is_swept(here: Path) -> None:
    fresh = here / f"{scratch.PREFIX}fresh"
    other = here / "tshark-report-of-an-older-version"
    target, file = here / "target", here / f"{scratch.PREFIX}file"
    for each in (fresh, other, target):
        each.mkdir()
    file.write_text("x")
    link = here / f"{scratch.PREFIX}link"
    link.symlink_to(target)
    for each in (other, target, file):
        old(each)
    past = time.time() - 2 * scratch.FRESH_SECONDS
    os.utime(link, (past, past), follow_symlinks=False)
    assert scratch.sweep(here) == []
    assert all(each.exists() for each in (fresh, other, target, file, link))
    assert scratch.sweep(here / "nowhere") == []


def test_all_that_is_in_use_can_be_removed_at_once(here: Path) -> None:
    with scratch.folder() as one, scratch.folder() as two:
        scratch.remove_all()
        assert not one.exists()
        assert not two.exists()


def test_a_signal_while_it_is_made_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is noted before it is there, so that whoever is ended in between knows of it."""
    mkdir = Path.mkdir

    def stopped(place: Path, *args: int, **given: int) -> None:
        mkdir(place, *args, **given)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", stopped)
    with pytest.raises(KeyboardInterrupt), scratch.folder():
        pass
    assert len(list(here.iterdir())) == 1
    scratch.remove_all()
    assert not list(here.iterdir())


def test_a_name_that_is_taken_is_not_taken_over(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["0" * 16, "1" * 16])
    monkeypatch.setattr(scratch.secrets, "token_hex", lambda _size: next(names))
    other = here / f"{scratch.PREFIX}{'0' * 16}"
    other.mkdir()
    with scratch.folder() as place:
        assert place.name == f"{scratch.PREFIX}{'1' * 16}"
        assert place.stat().st_mode & 0o777 == 0o700
    assert other.exists()
