"""Fixtures for all tests: where captures are, and what is skipped where, with its reason."""

from __future__ import annotations

import shutil
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


@pytest.fixture
def loaded(tshark: Tshark, env: dict[str, str], tmp_path: Path):  # noqa: ANN201
    """A function that reads a capture into tables."""

    def read(path: Path, *, jobs: int = 1, options: Options | None = None) -> Loaded:
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
