"""Bounds on a process."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tshark_report.capture.fence import limits


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_a_shell_sets_them() -> None:
    said = "for each in c v t f; do ulimit -$each; done"
    full = ["/bin/sh", "-c", limits.limits_of(7.0), "sh", "/bin/sh", "-c", said]
    core, memory, seconds, file = subprocess.run(full, capture_output=True, text=True, check=True).stdout.split()
    assert core == "0"
    assert int(memory) * 1024 >= limits.LEAST_MEMORY
    assert seconds == "24"
    assert int(file) * 512 == limits.FILE_LIMIT


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_processor_time_ends_a_process() -> None:
    full = ["/bin/sh", "-c", limits.limits_of(-4.5), "sh", "/bin/sh", "-c", "while :; do :; done"]
    done = subprocess.run(full, capture_output=True, timeout=20, check=False)
    assert done.returncode != 0
