"""What more than one capture holds, and hosts that come up again."""

from __future__ import annotations

from tests.batch.made import point, summary
from tshark_report.batch.across import TOLD, Across
from tshark_report.batch.records import Seen

A, B, C = "a" * 16, "b" * 16, "c" * 16


def test_values_of_more_than_one_capture_with_first_and_last() -> None:
    with Across() as across:
        across.add(summary(A), [Seen("name", "x.example", 10.0, 20.0, 3), Seen("name", "lonely.example", 1.0, 1.0, 1)])
        across.add(summary(B), [Seen("name", "x.example", 5.0, 15.0, 4), Seen("host", "192.0.2.1", 1.0, 2.0, 1)])
        across.add(summary(C), [Seen("host", "192.0.2.1", 3.0, 4.0, 1, "high")])
        across.ready()
        assert across.totals() == {"name": 1, "host": 1}
        [name] = across.shared("name")
        assert (name.value, name.captures, name.packets, name.priority) == ("x.example", 2, 7, "")
        assert (name.first_capture, name.last_capture) == (B, A)
        assert name.first_time == "1970-01-01T00:00:05.000000Z"
        assert [s.priority for s in across.shared()] == ["high", ""], "what a finding is about comes first"


def test_a_value_twice_in_one_capture_is_no_second_capture() -> None:
    with Across() as across:
        across.add(summary(A), [Seen("name", "x", 1.0, 1.0, 1), Seen("name", "x", 2.0, 2.0, 1)])
        across.ready()
        assert list(across.shared()) == []
        assert across.totals() == {}


def test_one_story_over_the_files_in_the_order_of_time() -> None:
    with Across() as across:
        across.add(
            summary(B, points=[point("203.0.113.9", "posted every 60 s", first_time="2026-03-02T10:00:00.000000Z")]), []
        )
        across.add(
            summary(A, points=[point("203.0.113.9", "sent a program", first_time="2026-03-01T10:00:00.000000Z")]), []
        )
        across.add(
            summary(C, points=[point("203.0.113.9", "posted every 60 s", first_time="2026-03-03T10:00:00.000000Z")]), []
        )
        across.ready()
        [story] = across.stories({A: "a.pcap", B: "b.pcap", C: "c.pcap"})
    assert story.captures == 3
    assert [c.id for c in story.chapters] == [A, B, C]
    assert story.text == (
        "203.0.113.9 is a starting point in 3 captures, 2026-03-01 09:15:07 – 2026-03-03 10:00:00 UTC. "
        "2026-03-01 10:00:00 UTC: sent a program (a.pcap). "
        "2026-03-02 10:00:00 UTC: posted every 60 s (b.pcap, and again in 1 later capture)."
    )
    assert story.note == ""


def test_a_home_address_with_another_mac_address_is_another_machine() -> None:
    with Across() as across:
        across.add(summary(A, points=[point("10.0.0.5", "x", home=True, mac="02:00:00:00:00:01")]), [])
        across.add(summary(B, points=[point("10.0.0.5", "x", home=True, mac="02:00:00:00:00:02")]), [])
        across.ready()
        assert across.stories({}) == []
    with Across() as across:
        across.add(summary(A, points=[point("10.0.0.5", "x", home=True)]), [])
        across.add(summary(B, points=[point("10.0.0.5", "x", home=True)]), [])
        across.ready()
        assert "may be another machine" in across.stories({})[0].note


def test_a_long_story_is_cut_and_says_so() -> None:
    with Across() as across:
        for i in range(TOLD + 5):
            across.add(summary(f"{i:016}", points=[point("203.0.113.9", f"did thing {i}")]), [])
        across.ready()
        [story] = across.stories({})
    assert len(story.chapters) == TOLD
    assert story.captures == TOLD + 5
    assert story.text.endswith("5 more starting points about it are in the captures' own reports.")
