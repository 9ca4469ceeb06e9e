"""A set of frame numbers and the same spelled out select the same packets, and only sets are touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import fixture_capture
from tshark_report.capture import filters as run_filters
from tshark_report.capture.dissect import Options
from tshark_report.capture.tshark import Tshark
from tshark_report.rules import filters
from tshark_report.tables import first_pass
from tshark_report.tables.frame_sets import spelled_out, without_commas
from tshark_report.tables.tables import Tables


@pytest.mark.parametrize(
    ("numbers", "written", "spelled"),
    [
        ([], "", ""),
        ([9], "frame.number == 9", "frame.number == 9"),
        ([1, 2, 3], "frame.number in {1..3}", "(frame.number >= 1 && frame.number <= 3)"),
        (
            [9, 1, 2, 3, 2],
            "frame.number in {1..3, 9}",
            "(frame.number >= 1 && frame.number <= 3) || frame.number == 9",
        ),
    ],
)
def test_written_short_and_spelled_out(numbers: list[int], written: str, spelled: str) -> None:
    assert filters.frames(numbers) == written
    assert spelled_out(written) == spelled


def test_a_set_beside_other_parts_keeps_together() -> None:
    both = filters.all_of("dns", filters.frames([1, 9]), filters.negated(filters.frames([2, 3, 7])))
    assert both == "dns && frame.number in {1, 9} && !(frame.number in {2..3, 7})"
    assert spelled_out(both) == (
        "dns && (frame.number == 1 || frame.number == 9) && "
        "!(((frame.number >= 2 && frame.number <= 3) || frame.number == 7))"
    )


def test_text_from_the_wire_that_looks_like_a_set_stays() -> None:
    hostile = filters.equals("http.host", 'a" frame.number in {1..5} "b')
    assert spelled_out(hostile) == hostile


@given(st.sets(st.integers(1, 400), min_size=1, max_size=80))
def test_the_set_selects_what_was_given(numbers: set[int]) -> None:
    spelled = spelled_out(filters.frames(numbers, 100))
    assert "," not in spelled
    holds = spelled.replace("frame.number", "n").replace("&&", "and").replace("||", "or")
    assert {n for n in range(1, 402) if eval(holds, {}, {"n": n})} == numbers  # noqa: S307 - our own comparisons


def test_tshark_counts_the_frames_of_a_set(tshark: Tshark, env: dict[str, str]) -> None:
    wanted = {
        filters.frames([1, 2, 3, 9, 11]): 5,
        filters.frames(range(1, 40, 2)): 20,
        filters.negated(filters.frames(range(6, 100_000))): 5,
        filters.all_of("frame", filters.frames([4, 8])): 2,
    }
    counter = run_filters.Counter(tshark, fixture_capture("staged_incident"), Options(), env, 60)
    assert run_filters.counts(counter, list(wanted))[0] == wanted
    for each, number in wanted.items():
        # The form that is printed, as a reader gives it to tshark.
        assert run_filters._selected(counter, each) == number


def test_the_first_pass_answers_a_set() -> None:
    from tests.builders import packets

    tables = Tables(packets=packets(*({} for _ in range(12))))
    assert first_pass.counted(spelled_out(filters.frames([2, 3, 4, 9, 40])), tables) == 4


@pytest.mark.parametrize(
    ("own", "written"),
    [
        ("", ""),
        ("tcp.port == 80", "tcp.port == 80"),
        ("tcp.port in {80, 8080}", "(tcp.port == 80 || tcp.port == 8080)"),
        ("!(ip.addr in {10.0.0.0/8,192.0.2.1})", "!((ip.addr == 10.0.0.0/8 || ip.addr == 192.0.2.1))"),
        ('http.host in {"a,b", "c"}', r'(http.host == "a\x2cb" || http.host == "c")'),
        ('http.request.uri == "/a,b"', r'http.request.uri == "/a\x2cb"'),
        ('http.host == "x in {1, 2}"', r'http.host == "x in {1\x2c 2}"'),
        ("frame.number in {1..3, 9}", "(frame.number >= 1 && frame.number <= 3) || frame.number == 9"),
        ("tcp.port in {80..90, 443}", None),
        ("max(tcp.len,1) > 5", None),
    ],
)
def test_a_persons_filter_without_commas(own: str, written: str | None) -> None:
    assert without_commas(own) == written


@pytest.mark.parametrize(
    "own", ["tcp.port in {80, 8080}", 'http.request.uri in {"/gate.php", "/a,b"}', "tcp.port in {80..90, 8080}"]
)
def test_filters_are_counted_within_a_persons_own(tshark: Tshark, env: dict[str, str], own: str) -> None:
    capture = fixture_capture("staged_incident")
    wanted = ["http.request", "dns", "frame.number in {1..400}"]
    counter = run_filters.Counter(tshark, capture, Options(own), env, 60)
    made, _ = run_filters.counts(counter, wanted)
    for each in wanted:
        alone = run_filters.Counter(tshark, capture, Options(), env, 60)
        assert made[each] == run_filters._selected(alone, f"({own}) && ({each})")
    assert made["http.request"] > 0
