"""HDR003: one source port for all sessions."""

from __future__ import annotations

import pytest

from tests.builders import drafts, packets, tables
from tests.conftest import fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import flat, session
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.constant_source_port import constant_source_port


def sessions(count: int, port: int = 31337, others: int = 0) -> list[dict]:
    same = [session(n, "203.0.113.9", 443, src_port=port) for n in range(count)]
    return flat(same + [session(1000 + n, "203.0.113.9", 443) for n in range(others)])


def test_fires_at_eight_and_is_quiet_at_seven() -> None:
    found = drafts(constant_source_port, tables(packets=packets(*sessions(8))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.5:31337 -> 203.0.113.9", "low")]
    assert "source port 31337" in found[0].summary
    assert len(found[0].frames) == 8
    assert not drafts(constant_source_port, tables(packets=packets(*sessions(7))))


def test_four_of_five_sessions_must_share_it() -> None:
    assert drafts(constant_source_port, tables(packets=packets(*sessions(8, others=2))))
    assert not drafts(constant_source_port, tables(packets=packets(*sessions(8, others=3))))


@pytest.mark.parametrize("port", [20, 1023, 443])
def test_services_that_bind_their_port_are_quiet(port: int) -> None:
    assert not drafts(constant_source_port, tables(packets=packets(*sessions(20, port))))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(constant_source_port)) == ["10.9.0.84:31337 -> 203.0.113.80"]


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("odd_headers")
    found = drafts(constant_source_port, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.hosts[0] for d in found] == ["10.20.0.72"]
