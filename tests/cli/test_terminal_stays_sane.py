"""Nothing that came from the wire, or from a file's name, acts on a terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FIXTURES, fixture_capture

pytestmark = pytest.mark.tshark

ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline (CSV ends its lines with \\r\\n), C1 codes, and what turns text around."""
NAME = "a\x1b]0;title\x07\x1b[2J\u202egnp.exe\x9b31m $(touch x) %s.pcapng"


def printed(*args: object, cwd: Path) -> str:
    command = [sys.executable, "-m", "tshark_report", *map(str, args)]
    env = dict(os.environ) | {"PYTHONPATH": str(FIXTURES.parent)}
    done = subprocess.run(command, capture_output=True, cwd=cwd, env=env, timeout=120, check=False)
    return (done.stdout + done.stderr).decode("utf-8").replace("\r\n", "\n")


@pytest.mark.parametrize(
    "args",
    [
        ("report", "-o", "r.md"),
        ("stats",),
        ("stats", "--csv"),
        ("fields", "-e", "dns.qry.name", "-e", "http.user_agent", "-e", "http.request.uri"),
        ("carve", "no-such-finding"),
    ],
    ids=lambda args: " ".join(args[:2]),
)
def test_hostile_names_and_text(args: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / NAME
    shutil.copy(fixture_capture("hostile_text"), path)
    text = printed(args[0], path, *args[1:], cwd=tmp_path)
    assert text.strip()
    assert "Traceback" not in text
    assert not ACTS.findall(text)
    assert not (tmp_path / "x").exists()


def test_a_hostile_name_that_does_not_exist(tmp_path: Path) -> None:
    text = printed("report", tmp_path / NAME, cwd=tmp_path)
    assert "does not exist" in text
    assert not ACTS.findall(text)
