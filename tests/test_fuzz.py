"""Every fuzz target still runs: on its seeds and on some mutants of them. `make fuzz` tries many more."""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import fuzz
from fuzz_targets import TARGETS, seeds

MUTANTS = 40

DEEP = 100_000
"""Levels of brackets: more than any reader follows."""
DIGITS = b"1" * 5000
"""More than Python turns into a number."""

ODD = [
    ("alerts", b'{"event_type":"alert","timestamp":"1","src_ip":"10.0.0.5","dest_ip":"10.0.0.6","src_port":70000}\n'),
    ("alerts", b'{"event_type":"alert","timestamp":"1","src_ip":"10.0.0.5","dest_ip":"10.0.0.6","dest_port":-1}\n'),
    ("alerts", b'{"ts":1e300,"note":"x","src":"10.0.0.5","dst":"203.0.113.9"}\n'),
    ("alerts", b'{"ts":1.0,"note":"x","src":"10.0.0.5","p":' + DIGITS + b"}\n"),
    ("alerts", b"[" * DEEP),
    ("given", b"[" * DEEP),
    ("given", b'{"objects":' * DEEP),
    ("baseline", b'{"a":' * DEEP),
    ("report", b'{"a":' * DEEP),
    ("stored", b'{"a":' * DEEP),
    ("settings", b"[expected_services]\nh=[inf]\n"),
    ("settings", b"[thresholds.DNS005]\nleast=nan\n"),
    ("settings", b"[thresholds.DNS005]\nleast=1" + b"0" * 400 + b"\n"),
    ("branded", b'logo="a\\u0000b"\n'),
    *((name, b"a = " + b"[" * DEEP) for name in ("settings", "expected", "branded")),
    *((name, b"a = " + DIGITS + b"\n") for name in ("settings", "expected", "branded")),
]
"""Inputs on which something else than a told error came."""


@pytest.fixture(autouse=True)
def _files_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_anything(name: str) -> None:
    for data in (*seeds(name), b"", *itertools.islice(fuzz.mutants(name), MUTANTS)):
        TARGETS[name](data)


@pytest.mark.parametrize(("name", "data"), ODD, ids=[f"{n}-{name}" for n, (name, _) in enumerate(ODD)])
def test_what_was_found(name: str, data: bytes) -> None:
    TARGETS[name](data)
