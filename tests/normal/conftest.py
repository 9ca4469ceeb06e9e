"""A baseline learnt once from the harmless fixtures of the office, for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report.normal import store
from tshark_report.normal.learning import learn
from tshark_report.reading import Request

HARMLESS = ("quiet_hour", "clean_wire", "fast_server")


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the baseline."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = tmp_path_factory.mktemp("baseline") / "normal.json"
    made = None
    for step, so_far in learn([fixture_capture(n) for n in HARMLESS], Request(Path("unused")), None):
        assert step.state == "learnt", step
        made = so_far
    assert made is not None
    store.save(made, path)
    return path
