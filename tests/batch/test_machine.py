"""Sizes, and what captures are taken to need."""

from __future__ import annotations

import pytest

from tshark_report.batch import machine
from tshark_report.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [("4G", 4 * 10**9), ("500m", 500_000_000), ("1.5GB", 1_500_000_000), ("10", 10), ("2 GiB", 2 * 10**9)],
)
def test_sizes(text: str, size: int) -> None:
    assert machine.size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1G", "0", "4X", "1e9"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UsageError):
        machine.size(text)


def test_what_there_is() -> None:
    assert machine.cores() >= 1
    assert machine.available() > 10_000_000


def test_a_compressed_capture_needs_more() -> None:
    assert machine.need("a.pcap.gz", 10**8) > machine.need("a.pcap", 10**8) > machine.need("a.pcap", 10**6)


def test_fewer_jobs_than_processors_keep_to_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _pid: {1, 4, 5, 7}, raising=False)
    assert machine.some(4) == machine.some(9) == [], "all of them: nothing to keep to"
    drawn = {tuple(machine.some(2)) for _ in range(50)}
    assert len(drawn) > 1, "two batches do not crowd on the same ones"
    assert all(len(two) == 2 and set(two) <= {1, 4, 5, 7} for two in drawn)
