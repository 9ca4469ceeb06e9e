"""LNK004: the same broadcast again and again."""

from __future__ import annotations

from tests.builders import START, drafts, packets, tables
from tests.rules.scans.conftest import Wire
from tshark_report.rules.scans.broadcast_storm import broadcast_storm


def storm(count: int, kinds: int = 1, beside: int = 0) -> list[dict]:
    rows = [
        {
            "eth_dst": "ff:ff:ff:ff:ff:ff",
            "ip_id": n % kinds + 1,
            "length": 92,
            "time": START + n * 0.9 / count,
            "dst": "10.0.0.255",
        }
        for n in range(count)
    ]
    return rows + [{"time": START + n * 0.9 / beside} for n in range(beside)]


def test_fires_at_500_a_second_and_is_quiet_at_499() -> None:
    found = drafts(broadcast_storm, tables(packets=packets(*storm(500))))
    assert [(d.subject, d.priority) for d in found] == [("broadcast", "medium")]
    assert "one frame was seen 500 times" in found[0].summary
    assert not drafts(broadcast_storm, tables(packets=packets(*storm(499))))


def test_quiet_where_frames_differ_or_others_get_through() -> None:
    assert drafts(broadcast_storm, tables(packets=packets(*storm(600, kinds=30))))
    assert not drafts(broadcast_storm, tables(packets=packets(*storm(600, kinds=32))))
    assert drafts(broadcast_storm, tables(packets=packets(*storm(500, beside=500))))
    assert not drafts(broadcast_storm, tables(packets=packets(*storm(500, beside=501))))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(broadcast_storm)) == ["broadcast"]
