"""Starting behind the fence, and reading what comes back."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from tshark_report.capture import fence
from tshark_report.capture.fence import starting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fence is for Linux")


def test_files_are_copied_where_nobody_could_not_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has files that nobody may read")
    capture, scratch = tmp_path / "c.pcap", tmp_path / "scratch"
    capture.write_bytes(b"abc")
    capture.chmod(0o600)
    scratch.mkdir()
    monkeypatch.setattr(starting, "of_program", lambda *_: fence.Fence(dropped=True))
    copy = fence.readable(capture, scratch, "tshark")
    assert copy.parent == scratch
    assert copy.read_bytes() == b"abc"
    assert copy.stat().st_mode & stat.S_IROTH
    assert fence.readable(copy, scratch, "tshark") == copy
    monkeypatch.setattr(starting, "of_program", lambda *_: fence.Fence(dropped=True, engine="bwrap"))
    assert fence.readable(capture, scratch, "tshark") == capture


def test_everything_that_a_command_names_is_copied(tmp_path: Path) -> None:
    closed, scratch = tmp_path / "closed", tmp_path / "scratch"
    (closed / "wireshark" / "profiles" / "ticket").mkdir(parents=True)
    (closed / "wireshark" / "profiles" / "ticket" / "preferences").write_text("tcp.desegment_tcp_streams: FALSE\n")
    scratch.mkdir()
    capture, keys = closed / "a.pcap", closed / "keys.log"
    capture.write_bytes(b"packets")
    keys.write_bytes(b"keys")
    for path in (closed, capture, keys):
        path.chmod(0o700)
    args = ["/usr/bin/tshark", "-r", str(capture), "-o", f"tls.keylog_file:{keys}", "-Y", f'frame contains "{capture}"']
    made, env = starting.reachable(args, {"WIRESHARK_CONFIG_DIR": str(closed / "wireshark")}, scratch)
    read, preference, profile = (
        Path(made[2]),
        made[4].removeprefix("tls.keylog_file:"),
        Path(env["WIRESHARK_CONFIG_DIR"]),
    )
    assert (read.read_bytes(), read.suffix) == (b"packets", ".pcap")
    assert Path(preference).read_bytes() == b"keys"
    assert (profile / "profiles" / "ticket" / "preferences").exists()
    assert made[-1] == args[-1], "a filter is text"
    for path in (read, Path(preference), *profile.rglob("*")):
        assert path.is_relative_to(scratch)
        assert path.stat().st_mode & stat.S_IROTH
    assert starting.reachable(args, env, scratch)[0] == made, "copied once"


def test_what_anybody_may_read_is_not_copied(tmp_path: Path) -> None:
    args = ["/usr/bin/tshark", "-r", "/etc/passwd"]
    assert starting.reachable(args, {"HOME": "/nonexistent"}, tmp_path) == (args, {"HOME": "/nonexistent"})


def test_a_scratch_folder_has_one_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"own": fence.Fence(), "other": fence.Fence(dropped=True)}
    monkeypatch.setattr(starting, "of_program", lambda program, _: kinds[program])
    assert starting._in_scratch("other", str(tmp_path)).dropped
    assert not starting._in_scratch("own", str(tmp_path)).dropped
    assert not starting._in_scratch("other", str(tmp_path)).dropped


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
