"""The capture with everything in it, written and read once."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rules.scans import odd_wire
from tests.rules.scans.wire import Tape, read, same_frames
from tshark_report.rules.base import Context, Draft, Rule
from tshark_report.settings import Settings
from tshark_report.tables.tables import Tables


@dataclass(frozen=True)
class Wire:
    """A capture and its tables."""

    path: Path
    tables: Tables

    def found(self, rule: Rule) -> dict[str, Draft]:
        """What the rule finds, by subject, each filter checked against tshark."""
        settings = Settings()
        made = list(rule.function(self.tables, Context(settings, rule.limits(settings), self.tables)))
        same_frames(self.path, made)
        assert len({draft.subject for draft in made}) == len(made)
        return {draft.subject: draft for draft in made}


def _need_tshark() -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Wire:
    """Everything that this family looks for, with near misses."""
    _need_tshark()
    folder = tmp_path_factory.mktemp("wire")
    path = odd_wire.write(folder / "odd.pcap")
    return Wire(path, read(path, folder / "scratch"))


@pytest.fixture(scope="session")
def tables_full(tmp_path_factory: pytest.TempPathFactory) -> Wire:
    """A link on which a switch's address table is filled up, and one ordinary host."""
    _need_tshark()
    folder = tmp_path_factory.mktemp("macs")
    tape = Tape()
    tape.session("10.9.0.21", "203.0.113.4", 40000, 443)
    odd_wire.full_tables(tape)
    path = tape.save(folder / "macs.pcap")
    return Wire(path, read(path, folder / "scratch"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that read a capture need tshark."""
    for item in items:
        if {"wire", "tables_full"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.tshark)
