"""How much of a capture fits into this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tshark_report.capture import room


def test_what_the_user_allows_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.VARIABLE, "3G")
    assert room.memory() == 3_000_000_000
    assert room.most_packets() == int((2.7e9 - room.BASE_BYTES) / room.BYTES_A_PACKET)
    monkeypatch.setenv(room.VARIABLE, "10 kB")
    assert room.most_packets() == room.LEAST_PACKETS, "a million packets are always tried"


def test_what_is_no_size_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "left", lambda: 5_000_000_000)
    monkeypatch.setenv(room.VARIABLE, "much")
    assert room.memory() == 5_000_000_000
    monkeypatch.setenv(room.VARIABLE, "9G")
    assert room.memory() == 5_000_000_000, "no more than there is"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_without_a_word_it_is_what_the_system_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(room.VARIABLE, raising=False)
    said = room.memory()
    assert said is not None
    assert 10_000_000 < said < 1 << 50


def test_where_nothing_is_known_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "memory", lambda: None)
    assert room.most_packets() + 1 == sys.maxsize
    assert not room.may_hold(1 << 50, room.most_packets())


def test_half_the_free_disk_is_left(tmp_path: Path) -> None:
    assert 0 < room.unpacked(tmp_path) <= room.UNPACKED_LIMIT
