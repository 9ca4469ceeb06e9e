"""HDR001: resets that do not fit the host in whose name they came."""

from __future__ import annotations

import pytest

from tests.builders import drafts, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import answer, flat, session, syn
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.injected_resets import injected_resets

SERVER = "203.0.113.80"


def talk(
    stream: int = 1, reset_ttl: int = 60, flags: int = 0x14, *, goes_on: bool = True, reset_id: int = 9
) -> list[dict]:
    rows = session(stream, SERVER, 80)
    rows[-2] |= {"ip_id": 4321}
    reset = answer(rows[0], flags, ttl=reset_ttl, ip_id=reset_id)
    return [*rows, reset, answer(rows[0], 0x18, payload=10)] if goes_on else [*rows, reset]


def test_another_distance_and_a_server_that_goes_on() -> None:
    found = drafts(injected_resets, tables(packets=packets(*flat([talk()]))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.5", "medium")]
    assert "TTL 60 differs from the TTL 57" in found[0].summary
    assert found[0].hosts == ("10.0.0.5", SERVER)
    assert len(found[0].frames) == 1


def test_two_hops_apart_and_quiet_at_one() -> None:
    assert drafts(injected_resets, tables(packets=packets(*flat([talk(reset_ttl=59)]))))
    assert not drafts(injected_resets, tables(packets=packets(*flat([talk(reset_ttl=58)]))))


def test_distance_alone_is_low_and_needs_three_sessions() -> None:
    def some(count: int) -> list[dict]:
        return flat([talk(n, goes_on=False) for n in range(count)])

    found = drafts(injected_resets, tables(packets=packets(*some(3))))
    assert [d.priority for d in found] == ["low"]
    assert not drafts(injected_resets, tables(packets=packets(*some(2))))


@pytest.mark.parametrize(
    ("more", "sign"),
    [
        ({"flags": 0xF14, "goes_on": False}, "reserved flag bits"),
        ({"reset_id": 4321, "goes_on": False}, "IP ID equals"),
    ],
)
def test_other_signs(more: dict, sign: str) -> None:
    found = drafts(injected_resets, tables(packets=packets(*flat([talk(**more)]))))
    assert found[0].priority == "medium"
    assert sign in found[0].summary


def test_many_sessions_are_one_finding() -> None:
    found = drafts(injected_resets, tables(packets=packets(*flat([talk(n) for n in range(30)]))))
    assert [d.subject for d in found] == ["10.0.0.5"]
    assert "30 resets" in found[0].summary
    # The filter names 25 sessions, and the frames are those that it selects.
    assert len(found[0].frames) == 25


def test_reserved_bits_of_a_host_that_sent_nothing_else() -> None:
    asked = syn(1, SERVER, 80, ip_id=77)
    rows = [[asked, answer(asked, 0xE14, ip_id=77)]]
    found = drafts(injected_resets, tables(packets=packets(*flat(rows))))
    assert "reserved" in found[0].summary
    assert "other packets" not in found[0].summary


def test_nothing_to_compare() -> None:
    assert not drafts(injected_resets, tables(packets=packets(*flat([session(1, SERVER, 80)]))))


def test_a_closed_port_and_an_ordinary_end_are_quiet() -> None:
    asked = syn(7, SERVER, 81)
    rows = [[asked, answer(asked, 0x14, ttl=250)], [*session(8, SERVER, 80), answer(syn(8, SERVER, 80), 0x04)]]
    assert not drafts(injected_resets, tables(packets=packets(*flat(rows))))


def test_a_scanner_whose_system_resets_is_quiet() -> None:
    rows = []
    for n in range(20):
        asked = syn(n, SERVER, 100 + n, ttl=44)
        rows.append([asked, answer(asked), asked | {"flags": 0x04, "ttl": 64}])
    assert not drafts(injected_resets, tables(packets=packets(*flat(rows))))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(injected_resets)) == ["10.9.0.79"]


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("odd_headers")
    found = drafts(injected_resets, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.subject for d in found] == ["10.20.0.77"]


@pytest.mark.shared
@pytest.mark.tshark
def test_published_capture(tmp_path) -> None:
    path = case_capture("zeek_rst_injection")
    found = drafts(injected_resets, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.frames for d in found] == [[2]]
    for word in ("TTL 46", "TTL 49", "0x1555", "reserved", "reset"):
        assert word in found[0].summary
