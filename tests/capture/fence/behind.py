"""A program that says what it can do behind a fence, and how it is started there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tshark_report.capture import fence
from tshark_report.capture.fence import access

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

UNSHARE = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--mount", "--net", "--", "sh", "-c",
           "mount --make-rprivate / && mount -o remount,bind,ro /"]  # fmt: skip


def tried(which: fence.Fence, scratch: Path, outside: Path) -> dict[str, object] | None:
    access.hand_over(scratch, which)
    args = [PYTHON, "-c", TRY, str(scratch), str(outside)]
    full = fence.wrapped(which, args, dict(os.environ), str(scratch), 30.0, None)
    done = subprocess.run(full, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None
