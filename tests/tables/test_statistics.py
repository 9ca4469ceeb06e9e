"""Conversations, endpoints and traffic, and that they are tshark's own figures."""

from __future__ import annotations

import pytest

from tests import builders as b
from tests.conftest import CASES, FIXTURES, case_capture
from tshark_report.tables import statistics, taps

FIXTURE_NAMES = sorted(p.parent.name for p in FIXTURES.glob("*/capture.pcap*"))
CASE_NAMES = sorted(p.parent.name for p in CASES.glob("*/key.json")) if CASES.is_dir() else []


def test_a_conversation_has_both_directions() -> None:
    made = statistics.conversations(
        b.tables(
            packets=b.packets(
                {"length": 100},
                {"src": b.OUTSIDE, "dst": b.CLIENT, "src_port": 443, "dst_port": 40000, "length": 900},
                {"length": 60},
            )
        ),  # fmt: skip
        "tcp",
    )
    row = made.row(0, named=True)
    assert (row["a"], row["a_port"], row["b"], row["b_port"]) == (b.CLIENT, 40000, b.OUTSIDE, 443)
    assert (row["packets_ab"], row["bytes_ab"], row["packets_ba"], row["bytes_ba"]) == (2, 160, 1, 900)
    assert row["bytes"] == 1060
    assert row["first_frame"] == 1


def test_an_endpoint_that_talks_to_itself_counts_once_each_way() -> None:
    made = statistics.endpoints(
        b.tables(packets=b.packets({"src": "127.0.0.1", "dst": "127.0.0.1", "length": 60})), "ipv4"
    )
    row = made.row(0, named=True)
    assert (row["packets_sent"], row["packets_received"], row["bytes"]) == (1, 1, 120)


def test_traffic_of_months_has_no_more_parts() -> None:
    year = 365 * 86_400.0
    rows = b.packets({"time": b.START}, {"time": b.START + year}, {"time": b.START + 2 * year})
    start, width, series = statistics.traffic(b.tables(packets=rows), 120, 5)
    counts, sizes = series["TCP"]
    assert start == b.START
    assert width == pytest.approx(2 * year / 120)
    assert len(counts) == 120
    assert sum(counts) == 3
    assert sum(sizes) == 180


def test_one_moment_has_one_part() -> None:
    _, _, series = statistics.traffic(b.tables(packets=b.packets({"time": b.START}, {"time": b.START})), 120, 5)
    assert series["TCP"] == ([2], [120])


@pytest.mark.parametrize("name", FIXTURE_NAMES)
def test_reconciled_on_every_fixture(name: str, loaded) -> None:
    made = loaded(next((FIXTURES / name).glob("capture.pcap*")))
    check = taps.reconcile(made.tables, made.taps)
    assert check.agrees, check.sentence


@pytest.mark.shared
@pytest.mark.parametrize("name", CASE_NAMES)
def test_reconciled_on_every_published_capture(name: str, loaded) -> None:
    made = loaded(case_capture(name))
    check = taps.reconcile(made.tables, made.taps)
    assert check.agrees, check.sentence
