"""HDR004: initial sequence numbers that do not change, or by a fixed step."""

from __future__ import annotations

import pytest

from tests.builders import drafts, packets, tables
from tests.conftest import fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import flat, session, syn
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.constant_sequence_number import constant_sequence_number


def sessions(numbers: list[int]) -> list[dict]:
    rows = [session(n, "203.0.113.9", 443, seq=number) for n, number in enumerate(numbers)]
    # The server's own numbers are drawn.
    drawn = [
        {**row, "seq": (row["stream"] ** 3 * 7919 + 13) % 2**32} if row["src"] != "10.0.0.5" else row
        for part in rows
        for row in part
    ]
    return flat([drawn])


def drawn(count: int) -> list[int]:
    return [(n * n * n * 104729 + 17) % 2**32 for n in range(count)]


def test_fires_at_six_and_is_quiet_at_five() -> None:
    found = drafts(constant_sequence_number, tables(packets=packets(*sessions([777] * 6))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.5 client", "low")]
    assert "the same initial sequence number 777" in found[0].summary
    assert len(found[0].frames) == 6
    assert not drafts(constant_sequence_number, tables(packets=packets(*sessions([777] * 5))))


def test_half_of_the_sessions_must_share_it() -> None:
    assert drafts(constant_sequence_number, tables(packets=packets(*sessions([777] * 6 + drawn(6)))))
    assert not drafts(constant_sequence_number, tables(packets=packets(*sessions([777] * 6 + drawn(7)))))


def test_zero_is_said() -> None:
    assert "(zero)" in drafts(constant_sequence_number, tables(packets=packets(*sessions([0] * 8))))[0].summary


def test_fixed_steps_over_the_end_of_the_range() -> None:
    start = 2**32 - 200_000

    def steps(count: int) -> list[int]:
        return [(start + 64_000 * n) % 2**32 for n in range(count)]

    found = drafts(constant_sequence_number, tables(packets=packets(*sessions(steps(8)))))
    assert "same step 64,000" in found[0].summary
    assert not drafts(constant_sequence_number, tables(packets=packets(*sessions(steps(7)))))


def test_drawn_numbers_and_unanswered_probes_are_quiet() -> None:
    assert not drafts(constant_sequence_number, tables(packets=packets(*sessions(drawn(60)))))
    probes = [[syn(n, f"203.0.113.{n + 1}", 23, seq=777)] for n in range(40)]
    assert not drafts(constant_sequence_number, tables(packets=packets(*flat(probes))))


def test_wire(wire: Wire) -> None:
    assert set(wire.found(constant_sequence_number)) == {"10.9.0.83 client", "10.9.0.84 client"}


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("odd_headers")
    found = drafts(constant_sequence_number, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.subject for d in found] == ["10.20.0.71 client"]
