"""Filters counted on cuts of a capture give the counts of the whole capture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import FIXTURES
from tshark_report.capture import filters, split
from tshark_report.reading import Request, opened
from tshark_report.rules import ALL
from tshark_report.rules import base as rules
from tshark_report.settings import Settings

NAMES = sorted(p.parent.name for p in FIXTURES.glob("*/capture.pcap*"))


@pytest.mark.tshark
@pytest.mark.parametrize("name", NAMES)
def test_counts_are_those_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "LEAST_PACKETS", 1)
    monkeypatch.setattr(filters, "SMALL_PACKETS", 0)
    path: Path = next((FIXTURES / name).glob("capture.pcap*"))
    with opened(Request(path)) as (loaded, found, _, env):
        drafts = [d for o in rules.run(ALL, loaded.tables, Settings()) for d in o.drafts]
        wanted = list(dict.fromkeys(d.display_filter for d in drafts if d.display_filter))
        counter = filters.Counter(found, loaded.capture.path, Request(path).options, env, 60.0)
        cut, _ = filters.checked(counter, wanted, loaded)
        whole, _ = filters.counts(counter, wanted)
    assert cut == whole
