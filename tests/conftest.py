"""Fixtures for all tests: where captures are, and what is skipped where, with its reason."""

from __future__ import annotations

import copy
import shutil
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest

from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import Loaded, load
from tshark_report.capture.tshark import Tshark

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

TOP = Path(__file__).resolve().parent.parent
FIXTURES = TOP / "fixtures"
CASES = TOP.parent / "shared" / "captures" / "cases"
ROBUST = TOP.parent / "shared" / "captures" / "robust"


def fixture_capture(name: str) -> Path:
    """The capture of one of this project's own fixtures."""
    return next((FIXTURES / name).glob("capture.pcap*"))


def case_capture(name: str) -> Path:
    """A published capture; the test is skipped where they are not at hand."""
    found = sorted((CASES / name).glob("capture.pcap*"))
    if not found:
        pytest.skip(f"published captures are not beside this project: {name}")
    return found[0]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """tshark's environment, with a clean configuration in this test's folder."""
    return tshark_module.environment(tmp_path)


@pytest.fixture
def tshark(env: dict[str, str]) -> Tshark:
    """The tshark of this system."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    return tshark_module.find(None, env)


MOST_KEPT = 24
"""Captures whose tables are held for the tests that follow."""


@pytest.fixture(scope="session")
def kept_readings() -> OrderedDict[Path, Loaded]:
    """Published captures and fixtures as they were read plainly; a dozen tests ask for the same one."""
    return OrderedDict()


def _own_copy(read: Loaded) -> Loaded:
    """The same reading; what rules keep beside its tables (`Tables.kept`) is each test's own."""
    tables = copy.copy(read.tables)
    object.__setattr__(tables, "kept", {})
    return replace(read, tables=tables)


@pytest.fixture
def loaded(  # noqa: ANN201
    tshark: Tshark, env: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory,
    kept_readings: OrderedDict[Path, Loaded],
):  # fmt: skip
    """A function that reads a capture into tables; captures that never change are read once."""

    def read_once(path: Path) -> Loaded:
        if path not in kept_readings:
            scratch = tmp_path_factory.mktemp("reading")
            own_env = tshark_module.environment(scratch)
            kept_readings[path] = load(path, tshark, scratch, own_env, Options(), jobs=1)
            if len(kept_readings) > MOST_KEPT:
                kept_readings.popitem(last=False)
        kept_readings.move_to_end(path)
        return _own_copy(kept_readings[path])

    def read(path: Path, *, jobs: int = 1, options: Options | None = None) -> Loaded:
        if jobs == 1 and options is None and any(path.is_relative_to(place) for place in (FIXTURES, CASES)):
            return read_once(path)
        scratch = tmp_path / f"scratch{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        return load(path, tshark, scratch, env, options or Options(), jobs=jobs)

    return read


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden` writes the golden files again."""
    parser.addoption("--golden", action="store_true", help="write golden files instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that uses tshark is marked so, whether or not its author did."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if {"tshark", "loaded"} & set(names):
            item.add_marker(pytest.mark.tshark)
