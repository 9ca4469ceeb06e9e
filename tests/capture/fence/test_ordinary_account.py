"""The fence as an ordinary account gets it: with bubblewrap, with unshare alone, and where namespaces are not permitted.

Needs root to become somebody else. The account runs the system's own Python on a copy of this package that it may read.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tshark_report
from tests.capture.fence.behind import PYTHON, TRY
from tests.conftest import fixture_capture

USER = 12_345

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(sys.platform != "linux", reason="the fence is for Linux"),
    pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can become another account"),
]

ASK = """
import json, os, sys
from pathlib import Path
from tshark_report.capture import fence, process, tshark
scratch, outside, capture, code = sys.argv[1:]
env = tshark.environment(Path(scratch))
found = tshark.find(None, env)
parts = fence.of_program(found.path, scratch)
inside = process.run([sys.executable, "-c", code, scratch, outside], timeout=30, env=env)
rows = process.run([found.path, "-n", "-r", capture], timeout=30, env=env)
print(json.dumps({
    "user": os.geteuid(), "engine": parts.engine, "parts": parts.parts(), "advice": fence.advice(parts),
    "same": fence.of_program(sys.executable, scratch) == parts,
    "inside": json.loads(inside.stdout), "rows": rows.stdout.count(b"\\n"), "said": rows.stderr,
}))
"""

BECOME = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
CLOSED = (
    "unshare", "--user", f"--map-user={USER}", f"--map-group={USER}", "--keep-caps", "sh", "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces || exit 77\n'
    'exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"', "sh",
)  # fmt: skip
"""An ordinary account in a user namespace that permits no further one, as hardened systems and containers do."""

PROGRAMS = ("tshark", "capinfos", "editcap", "sh", "unshare", "setpriv", "mount")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the account owns, with the package and a capture that it may read."""
    if not Path(PYTHON).exists() or shutil.which("setpriv") is None:
        pytest.skip("needs setpriv and a Python of the system's own")
    probe = [PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if subprocess.run(probe, check=False).returncode:
        pytest.skip("the system's own Python is too old")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        package = Path(tshark_report.__file__).parent
        wanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package / "capture", top / "package/tshark_report/capture", ignore=wanted)
        for name in ("__init__.py", "errors.py", "scratch.py"):
            shutil.copy(package / name, top / "package/tshark_report" / name)
        shutil.copy(fixture_capture("port_scan"), top / "capture")
        for name in ("scratch", "outside", "bin"):
            (top / name).mkdir()
        (top / "outside" / "secret").write_text("a secret")
        for name in PROGRAMS:
            if (place := shutil.which(name)) is not None:
                (top / "bin" / name).symlink_to(place)
        for each in (top, top / "scratch"):
            # Owned by nobody in particular: in a user namespace the account is another one outside.
            each.chmod(0o777)
        yield top


def asked(home: Path, become: tuple[str, ...], path: str) -> dict[str, Any]:
    env = {"PATH": path, "HOME": str(home), "PYTHONPATH": str(home / "package"), "PYTHONDONTWRITEBYTECODE": "1"}
    args = [str(home / name) for name in ("scratch", "outside", "capture")]
    full = [*become, "/usr/bin/env", "-i", *(f"{key}={value}" for key, value in env.items()), PYTHON, "-c", ASK, *args]
    done = subprocess.run([*full, TRY], capture_output=True, text=True, cwd=home, timeout=60, check=False)
    if done.returncode in (1, 77) and "unshare" in done.stderr and "Traceback" not in done.stderr:
        pytest.skip(f"not permitted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def kept(said: dict[str, Any]) -> None:
    """Everything that is promised holds, and tshark reads the capture."""
    seen, parts = said["inside"], said["parts"]
    assert said["user"] == USER
    assert said["same"]
    assert "not as root" not in parts
    assert seen["scratch"] is True
    assert seen["stdin"] == ""
    assert int(seen["caps"], 16) == 0
    if parts["no network"]:
        assert seen["networks"] in ([], ["lo"])
    if parts["nothing writable but the scratch folder"]:
        assert seen["wrote"] == []
    if parts["other processes are hidden"]:
        assert seen["processes"] <= 4
    assert seen["sees_outside"] is not parts["files that were not named are hidden"]
    assert seen["no_new"] == "1"
    assert parts["no new privileges"]
    assert parts["memory, processor time and file size bounded"]
    assert said["rows"] == 3100, said["said"]


def permitted(*program: str) -> bool:
    return (
        shutil.which(program[0]) is not None
        and not subprocess.run([*BECOME, *program], capture_output=True, check=False).returncode
    )


def test_with_bubblewrap(home: Path) -> None:
    if not permitted("bwrap", "--ro-bind", "/", "/", "--unshare-net", "--unshare-pid", "--proc", "/proc", "true"):
        pytest.skip("an ordinary account may not use bubblewrap here")
    said = asked(home, BECOME, "/usr/bin:/bin:/usr/sbin:/sbin")
    kept(said)
    assert said["engine"] == "bwrap"
    assert all(said["parts"].values())
    assert said["advice"] == ""


def test_with_unshare_alone(home: Path) -> None:
    if not permitted("unshare", "--user", "--map-root-user", "--mount", "--net", "true"):
        pytest.skip("an ordinary account may not make namespaces here")
    said = asked(home, BECOME, str(home / "bin"))
    kept(said)
    assert said["engine"] == "unshare"
    assert [part for part, holds in said["parts"].items() if not holds] == ["files that were not named are hidden"]
    assert said["advice"] == "sudo apt-get install bubblewrap"


def test_without_namespaces_what_is_missing_is_told(home: Path) -> None:
    said = asked(home, CLOSED, "/usr/bin:/bin:/usr/sbin:/sbin")
    kept(said)
    assert said["engine"] == ""
    assert not said["parts"]["no network"]
    assert not said["parts"]["nothing writable but the scratch folder"]
    assert said["inside"]["wrote"], "what is said to be missing is missing"
    assert said["advice"]
