"""The fence: what a process behind it cannot do, on this system, with each part that this system permits."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report.capture import fence, kept, process
from tshark_report.capture import tshark as tshark_module

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fence is for Linux")

TRY = """
import json, os, resource, socket, sys
scratch, outside = sys.argv[1:3]
def write(path):
    try:
        open(path, "w").close(); os.unlink(path); return True
    except OSError:
        return False
def status(name):
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith(name))
print(json.dumps({
    "user": os.getuid(), "no_new": status("NoNewPrivs"), "caps": status("CapEff"),
    "networks": [name for _, name in socket.if_nameindex()],
    "wrote": [p for p in (outside + "/x", "/etc/x", "/var/tmp/x", "/tmp/x", "/dev/shm/x", "/x") if write(p)],
    "scratch": write(scratch + "/x"), "sees_outside": os.path.exists(outside + "/secret"),
    "processes": sum(1 for p in os.listdir("/proc") if p.isdigit()), "stdin": sys.stdin.read(),
    "limits": [resource.getrlimit(r)[0] for r in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)],
}))
"""
PYTHON = "/usr/bin/python3"
needs_python = pytest.mark.skipif(not Path(PYTHON).exists(), reason="needs a Python of the system's own")


@pytest.fixture
def places() -> Iterator[tuple[Path, Path]]:
    """A scratch folder, and a folder with a secret beside it; where anybody may go, as temporary folders mostly are."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as outside:
        (Path(outside) / "secret").write_text("a secret")
        yield Path(scratch), Path(outside)


def tried(which: fence.Fence, scratch: Path, outside: Path) -> dict[str, object] | None:
    fence._hand_over(scratch, which)
    args = [PYTHON, "-c", TRY, str(scratch), str(outside)]
    full = fence.wrapped(which, args, dict(os.environ), str(scratch), 30.0, None)
    done = subprocess.run(full, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


@needs_python
@pytest.mark.parametrize("place", range(len(list(fence._candidates()))))
def test_what_a_fence_promises_holds(place: int, places: tuple[Path, Path]) -> None:
    which = list(fence._candidates())[place]
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
        assert any(tried(c, *places) for c in fence._candidates() if c.engine == engine), engine


UNSHARE = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--mount", "--net", "--", "sh", "-c",
           "mount --make-rprivate / && mount -o remount,bind,ro /"]  # fmt: skip


@pytest.mark.tshark
def test_the_real_tshark_is_fenced(tshark: tshark_module.Tshark, env: dict[str, str], tmp_path: Path) -> None:
    found = fence.of_program(tshark.path, str(tmp_path))
    assert found.no_new_privileges
    assert found.limits
    if os.geteuid() == 0:
        assert found.dropped
    done = process.run([tshark.path, "-n", "-r", str(fixture_capture("port_scan")), "-c", "1"], timeout=30, env=env)
    assert done.code == 0
    assert done.stdout.strip()


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
    for which in fence._candidates():
        if not which.engine or tried(which, scratch, closed) is None:
            continue  # without namespaces a copy is read instead
        args = [tshark.path, "-n", "-r", str(capture), "-c", "1"]
        full = fence.wrapped(which, args, env, str(scratch), 30, None)
        done = subprocess.run(full, env=env, capture_output=True, check=False)
        assert done.returncode == 0, (which, done.stderr)
        shown.append(which)
    if not shown:
        pytest.skip("no namespaces here")


def test_files_are_copied_where_nobody_could_not_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has files that nobody may read")
    capture, scratch = tmp_path / "c.pcap", tmp_path / "scratch"
    capture.write_bytes(b"abc")
    capture.chmod(0o600)
    scratch.mkdir()
    monkeypatch.setattr(fence, "of_program", lambda *_: fence.Fence(dropped=True))
    copy = fence.readable(capture, scratch, "tshark")
    assert copy.parent == scratch
    assert copy.read_bytes() == b"abc"
    assert copy.stat().st_mode & stat.S_IROTH
    assert fence.readable(copy, scratch, "tshark") == copy
    monkeypatch.setattr(fence, "of_program", lambda *_: fence.Fence(dropped=True, engine="bwrap"))
    assert fence.readable(capture, scratch, "tshark") == capture


def test_only_named_files_are_shown(tmp_path: Path) -> None:
    key, capture = tmp_path / "keys.log", tmp_path / "c.pcap"
    for path in (key, capture):
        path.write_text("x")
    args = [
        "tshark",
        "-r",
        str(capture),
        "-o",
        f"tls.keylog_file:{key}",
        "-Y",
        "/etc/shadow",
        "-z",
        "/etc/passwd",
        "-a",
        "/etc/group",
    ]
    assert fence._named(args) == [str(capture), str(key)]


def test_links_in_the_scratch_folder_are_removed(tmp_path: Path) -> None:
    (tmp_path / "objects" / "http").mkdir(parents=True)
    (tmp_path / "objects" / "http" / "link").symlink_to("/etc/passwd")
    (tmp_path / "objects" / "http" / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    fence.without_links(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == [
        "objects",
        "objects/http",
        "objects/http/file",
    ]


@pytest.mark.parametrize(("given", "want"), [(139, -11), (137, -9), (0, 0), (2, 2), (128, 128), (255, 255), (-6, -6)])
def test_codes(given: int, want: int) -> None:
    assert fence.code(given) == want


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    monkeypatch.setenv(fence.SWITCH, "off")
    full, given = fence.command(["tshark", "--version"], env, 5.0)
    assert full[1:] == ["--version"]
    assert fence.SCRATCH not in given


def test_without_being_asked_nothing_is_fenced() -> None:
    assert fence.command(["fc-list"], {"A": "b"}, 5.0) == (["fc-list"], {"A": "b"})


@needs_python
def test_it_costs_less_than_thirty_milliseconds(env: dict[str, str], tmp_path: Path) -> None:
    """The best of several starts each: a busy machine may slow any single one down."""
    which = fence.of_program("/bin/true", str(tmp_path))
    full = fence.wrapped(which, ["/bin/true"], {}, str(tmp_path), 30, None)
    best = {}
    for name, command in (("plain", ["/bin/true"]), ("fenced", full)):
        times = []
        for _ in range(12):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - started)
        best[name] = min(times)
    assert best["fenced"] - best["plain"] < 0.030


@pytest.mark.tshark
def test_no_script_of_the_user_is_loaded(
    tshark: tshark_module.Tshark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    told = tmp_path / "told"
    for folder in (".local/lib/wireshark/plugins", ".config/wireshark/plugins"):
        (home / folder).mkdir(parents=True)
        (home / folder / "own.lua").write_text(f'io.stderr:write("LUA WAS HERE\\n") io.open("{told}", "w")')
    (home / ".config/wireshark/init.lua").write_text('io.stderr:write("LUA WAS HERE\\n")')
    monkeypatch.setenv("HOME", str(home))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = tshark_module.environment(scratch)
    done = process.run([tshark.path, "-n", "-r", str(fixture_capture("port_scan")), "-c", "1"], timeout=30, env=env)
    assert done.code == 0
    assert "LUA" not in done.stderr
    assert not told.exists()


def test_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = kept.of_program("x", "/bin/sh", "more")
    assert kept.read(place) is None
    kept.write(place, "answer")
    assert kept.read(place) == "answer"
    assert kept.of_program("x", "/bin/sh", "other") != place
    assert kept.of_program("x", "/nonexistent/program") is None
    kept.write(None, "nothing")
    assert kept.read(None) is None
