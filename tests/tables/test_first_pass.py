"""What the first pass has answered is what tshark counts when the filter is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import packets, tables
from tests.conftest import FIXTURES
from tshark_report.capture import filters
from tshark_report.reading import Request, opened
from tshark_report.tables.analysis import KINDS
from tshark_report.tables.first_pass import counted

NAMES = sorted(p.parent.name for p in FIXTURES.glob("*/capture.pcap*"))


@pytest.mark.tshark
@pytest.mark.parametrize("name", NAMES)
def test_is_what_tshark_counts(name: str) -> None:
    path: Path = next((FIXTURES / name).glob("capture.pcap*"))
    wanted = [each for _, _, each in KINDS]
    wanted += [
        "frame.number == 3",
        "(frame.number >= 2 && frame.number <= 9) || frame.number == 4 || (frame.number >= 8 && frame.number <= 99999)",
    ]
    with opened(Request(path)) as (loaded, found, _, env):
        counter = filters.Counter(found, loaded.capture.path, Request(path).options, env, 60.0)
        run, _ = filters.counts(counter, wanted)
        assert {each: counted(each, loaded.tables) for each in wanted} == run


@pytest.mark.parametrize(
    "text",
    [
        "tcp.stream == 3",
        "frame.number == 1 && tcp",
        "tcp.analysis.flags",
        "frame.number == 1 || tcp",
        "!(frame.number == 1)",
        "frame.number > 1",
        "",
    ],
)
def test_leaves_every_other_filter_to_tshark(text: str) -> None:
    assert counted(text, tables(packets=packets({"frame": 1}))) is None
