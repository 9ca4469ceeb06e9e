"""The strongest fence of a system, for the real tshark."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report import scratch
from tshark_report.capture import fence, process
from tshark_report.capture import tshark as tshark_module

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fence is for Linux")


@pytest.mark.tshark
def test_the_real_tshark_is_fenced(tshark: tshark_module.Tshark, env: dict[str, str]) -> None:
    with scratch.folder() as open_ways:  # the folders above pytest's own are closed to nobody
        found = fence.of_program(tshark.path, str(open_ways))
    assert found.no_new_privileges
    assert found.limits
    if os.geteuid() == 0:
        assert found.dropped
    done = process.run([tshark.path, "-n", "-r", str(fixture_capture("port_scan")), "-c", "1"], timeout=30, env=env)
    assert done.code == 0
    assert done.stdout.strip()


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
