"""The command: what a process behind it cannot do, with each part that this system permits."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.capture.fence.behind import UNSHARE, needs_python, tried
from tests.conftest import TOP, fixture_capture
from tshark_report.capture import fence
from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.fence import access, offered

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fence is for Linux")


@needs_python
@pytest.mark.parametrize("place", range(len(list(offered.candidates()))))
def test_what_a_fence_promises_holds(place: int, places: tuple[Path, Path]) -> None:
    which = list(offered.candidates())[place]
    seen = tried(which, *places)
    if seen is None:
        pytest.skip(f"not permitted here: {which}")
    assert seen["scratch"] is True
    assert seen["stdin"] == ""
    if which.engine:
        assert seen["networks"] in ([], ["lo"])
        assert seen["wrote"] == []
        assert int(str(seen["caps"]), 16) & ~0b100 == 0, "at most reading what root may read"
    if which.hidden:
        assert seen["sees_outside"] is False
    if which.processes:
        assert int(str(seen["processes"])) <= 4
    if which.dropped:
        assert seen["user"] == fence.nobody()[0] != 0
    if which.no_new_privileges:
        assert seen["no_new"] == "1"
    if which.limits:
        memory, seconds, core = seen["limits"]  # type: ignore[misc]
        assert 0 < memory < 1 << 60
        assert 0 < seconds < 1000
        assert core == 0


@needs_python
def test_bubblewrap_and_unshare_are_tried_where_they_are_permitted(places: tuple[Path, Path]) -> None:
    """Guards the test above against skipping everything: where namespaces work, so must the fence."""
    for engine, probe in (("bwrap", ["bwrap", "--ro-bind", "/", "/", "--unshare-net", "true"]), ("unshare", UNSHARE)):
        if shutil.which(engine) is None or subprocess.run(probe, capture_output=True, check=False).returncode:
            continue
        assert any(tried(c, *places) for c in offered.candidates() if c.engine == engine), engine


@pytest.mark.tshark
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that nobody may read")
def test_captures_of_roots_own_can_be_read(tshark: tshark_module.Tshark, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    capture = closed / "a b.pcapng"
    shutil.copy(fixture_capture("port_scan"), capture)
    capture.chmod(0o600)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = tshark_module.environment(scratch)
    shown = []
    for which in offered.candidates():
        if not which.engine or tried(which, scratch, closed) is None:
            continue  # without namespaces a copy is read instead
        args = [tshark.path, "-n", "-r", str(capture), "-c", "1"]
        full = fence.wrapped(which, args, env, str(scratch), 30, None)
        done = subprocess.run(full, env=env, capture_output=True, check=False)
        assert done.returncode == 0, (which, done.stderr)
        shown.append(which)
    if not shown:
        pytest.skip("no namespaces here")


@needs_python
def test_it_costs_less_than_thirty_milliseconds(env: dict[str, str], tmp_path: Path) -> None:
    """Processor time, the best of several starts each: how long it takes on a busy machine says nothing."""
    which = fence.of_program("/bin/true", str(tmp_path))
    full = fence.wrapped(which, ["/bin/true"], {}, str(tmp_path), 30, None)
    best = {}
    for name, command in (("plain", ["/bin/true"]), ("fenced", full)):
        times = []
        for _ in range(12):
            before = _of_children()
            subprocess.run(command, check=True, capture_output=True)
            times.append(_of_children() - before)
        best[name] = min(times)
    assert best["fenced"] - best["plain"] < 0.030


def _of_children() -> float:
    """Seconds of processor time that ended children and theirs have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


STARTER = """
import os, subprocess, sys
from tshark_report.capture.fence import offered, wrapped
which = list(offered.candidates())[int(sys.argv[1])]
full = wrapped(which, ["/bin/sh", "-c", "echo $$; exec sleep 60.5"], dict(os.environ), sys.argv[2], 60.0, None)
running = subprocess.Popen(full, stdout=sys.stdout, start_new_session=True)
running.wait()
"""


@pytest.mark.parametrize("place", range(len(list(offered.candidates()))))
def test_what_is_fenced_ends_with_us_however_we_end(place: int, places: tuple[Path, Path]) -> None:
    which = list(offered.candidates())[place]
    if not which.no_new_privileges:
        pytest.skip("without setpriv and bwrap nothing can be done about it")
    if which.engine == "bwrap" and which.dropped and not which.processes:
        pytest.skip("bubblewrap's own process has no right to end another user's; the limits end it")
    access.hand_over(places[0], which)
    env = dict(os.environ) | {"PYTHONPATH": str(TOP), "FENCE_MARK": f"{os.getpid()}-{place}"}
    args = [sys.executable, "-c", STARTER, str(place), str(places[0])]
    starter = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
    assert starter.stdout is not None
    line = starter.stdout.readline()
    mark = f"FENCE_MARK={os.getpid()}-{place}".encode()
    try:
        if not line:
            pytest.skip(f"not permitted here: {which}")
        assert carrying(mark)
        starter.kill()
        starter.wait()
        stop = time.monotonic() + 10
        while carrying(mark) and time.monotonic() < stop:
            time.sleep(0.05)
        assert carrying(mark) == []
    finally:
        starter.kill()
        starter.communicate()
        for number in carrying(mark):
            os.kill(number, 9)


def carrying(mark: bytes) -> list[int]:
    """Processes with `mark` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found
