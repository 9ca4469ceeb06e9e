"""DEL011: a stager's short path and a large unreadable answer; quiet on other sums, known types and small data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.stage_download import stage_download

STAGE = {
    "uri": "/aaa9",
    "host": wire.OUTSIDE,
    "body": wire.noise(50_000),
    "agent": "Mozilla/5.0 (compatible; MSIE 9.0)",
}


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        ({}, "high"),
        ({"uri": "/aab9"}, "high"),
        ({"host": "www.vendor.example"}, "medium"),
        ({"referer": "http://203.0.113.9/"}, "medium"),
        ({"kind": None}, "high"),
        ({"body": wire.noise(49_999)}, ""),
        ({"uri": "/aac9"}, ""),
        ({"uri": "/aa9"}, ""),
        ({"uri": "/x/aaa9"}, ""),
        ({"kind": "text/html"}, ""),
        ({"kind": "video/mp4"}, ""),
        ({"body": wire.pe(60_000)}, ""),
        ({"body": b"text " * 20_000}, ""),
        ({"method": "POST"}, ""),
        ({"status": 206}, ""),
    ],
)
def test_priority_and_look_alikes(columns: dict[str, Any], priority: str) -> None:
    assert sum(b"aaa9") % 256 == 92
    assert wire.graded(stage_download, **(STAGE | columns)) == priority


def test_one_finding_for_each_server() -> None:
    found = b.drafts(stage_download, wire.downloads(STAGE, STAGE, STAGE | {"server": wire.OTHER, "host": wire.OTHER}))
    assert [d.hosts[1] for d in found] == [wire.OUTSIDE, wire.OTHER]


def test_on_the_wire_whole_and_cut(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/aaa9", wire.OUTSIDE, wire.noise(60_000), agent="x")
    calm = wire.fetched(5, "/aac9", wire.OUTSIDE, wire.noise(60_000), client_port=40001)
    for part in (frames, frames[:-5]):
        found = wire.exact(stage_download, loaded, wire.write(tmp_path / "a.pcap", part, calm))
        assert [(d.priority, d.display_filter) for d in found] == [("high", "tcp.stream == 0")]
        assert "60,000 bytes of no known type" in found[0].summary


def test_quiet_on_ordinary_use(loaded) -> None:
    assert not b.drafts(stage_download, loaded(fixture_capture("quiet_hour")).tables)
