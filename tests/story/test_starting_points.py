"""Findings -> starting points: which belong together, which comes first, and how the story tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.builders import packets
from tshark_report.report.model import Confidence, Innocent, Priority, StartingPoint, Table
from tshark_report.rules.base import Draft, Rule
from tshark_report.rules.transport.unanswered_connections import unanswered_connections
from tshark_report.story.findings import Fired, fired, to_findings
from tshark_report.story.starting_points import KEPT, MOST, MOST_LOW, TOLD, starting_points

A, B, C, D = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"
HARMLESS = (Innocent(explanation="A backup.", tell_apart="It has an owner."),)
PACKETS = packets(*({} for _ in range(60)))


def rule(code: str, weight: float = 10.0) -> Rule:
    return replace(unanswered_connections, code=code, name=f"rule-{code.lower()}", weight=weight, innocent=HARMLESS)


def found(
    code: str, *hosts: str, priority: Priority = "medium", confidence: Confidence = "medium",
    frames: Sequence[int] = (1, 2), weight: float = 10.0, title: str = "",
) -> Fired:  # fmt: skip
    draft = Draft(
        f"{code} {' '.join(hosts)} {min(frames, default=0)}", hosts, "Summary.", f"{hosts[0]} did {code}", priority,
        confidence, "tcp", list(frames), Table(columns=[], rows=[], total_rows=0), title=title or f"Title {code}",
    )  # fmt: skip
    return Fired(rule(code, weight), draft)


def points(*several: Fired) -> list[StartingPoint]:
    ranked = sorted(several, key=lambda f: f.rank)
    findings = {f.id: f for f in to_findings(ranked, PACKETS, {}, "x.pcap")}
    return starting_points(ranked, findings, PACKETS, lambda a: f"{a} (PC)" if a == A else a, lambda _: None)


def test_priority_then_confidence_then_weight_then_the_first_frame() -> None:
    ranked = [
        found("AAA001", A, priority="high", confidence="low", weight=1),
        found("AAA002", B, confidence="high", weight=1),
        found("AAA003", C, weight=30),
        found("AAA004", D, weight=20, frames=(3, 4)),
        found("AAA005", "10.0.0.9", weight=20, frames=(5, 6)),
    ]
    assert [p.subject for p in points(*reversed(ranked))] == [A, B, C, D, "10.0.0.9"]
    assert [p.rank for p in points(*ranked)] == [1, 2, 3, 4, 5]


def test_one_host_is_one_starting_point_told_in_time_order() -> None:
    one = points(found("AAA001", A, B, frames=(10, 11), weight=40), found("AAA002", A, C, frames=(3,)))
    assert len(one) == 1
    assert one[0].headline == f"{A} (PC): Title AAA001"
    assert one[0].story == (
        f"Start with {A} (PC). At 22:13:22 {A} did AAA002 (frame 3). At 22:13:29 {A} did AAA001 (frames 10-11)."
    )
    assert (one[0].first_time, one[0].last_time) == ("2023-11-14T22:13:22.000000Z", "2023-11-14T22:13:30.000000Z")
    assert one[0].hosts == [A, B, C]
    assert one[0].harmless == "A backup. It has an owner."
    assert one[0].why_here == (
        "First because AAA001 rule-aaa001 is of medium priority with medium confidence, "
        "and rule-aaa002 points at the same hosts."
    )


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ((7,), "(frame 7)"),
        ((7, 8, 9), "(frames 7-9)"),
        ((7, 9), "(2 packets from frame 7 to 9)"),
        ((7, 7), "(frame 7)"),
    ],
)
def test_how_frames_are_named(frames: tuple[int, ...], words: str) -> None:
    assert points(found("AAA001", A, frames=frames))[0].story.endswith(f"{words}.")


def test_a_finding_without_frames_has_no_time() -> None:
    one = points(found("AAA001", A, frames=()))[0]
    assert one.story == f"Start with {A} (PC). {A} did AAA001."
    assert (one.first_time, one.last_time) == (None, None)


def test_the_same_pair_belongs_together_whoever_is_named_first() -> None:
    assert len(points(found("AAA001", A, B), found("AAA002", B, A, frames=(5,)))) == 1
    assert len(points(found("AAA001", A, B), found("AAA002", C, D, frames=(5,)))) == 2


def test_each_further_kind_of_finding_counts_and_the_same_kind_again_does_not() -> None:
    """18 is the bonus of three more kinds, and no host gets more."""
    many = [found("AAA001", A, weight=10), *(found(f"AAB00{n}", A, weight=1, frames=(9 + n,)) for n in range(2))]
    assert [p.subject for p in points(*many, found("AAC001", B, weight=21.9))] == [A, B]
    assert [p.subject for p in points(*many, found("AAC001", B, weight=22.1))] == [B, A]
    same = [found("AAA001", A, weight=10), *(found("AAA001", A, frames=(9 + n,), weight=10) for n in range(4))]
    assert [p.subject for p in points(*same, found("AAC001", B, weight=10.1))] == [B, A]
    more = [found("AAA001", A, weight=10), *(found(f"AAB00{n}", A, weight=1, frames=(9 + n,)) for n in range(6))]
    assert [p.subject for p in points(*more, found("AAC001", B, weight=28.1))] == [B, A]


def test_at_most_five_and_of_low_priority_two() -> None:
    loud = [found("AAA001", f"10.0.1.{n}", frames=(n + 1,)) for n in range(7)]
    assert len(points(*loud)) == MOST == 5
    low = [found("AAA001", f"10.0.1.{n}", frames=(n + 1,), priority="low") for n in range(7)]
    quiet = points(*low)
    assert len(quiet) == MOST_LOW == 2
    assert quiet[0].why_here.endswith("; nothing of medium or high priority was found.")
    assert [p.subject for p in points(*low, loud[3])] == ["10.0.1.3"]
    assert points(found("AAA001", A, priority="info")) == []


def test_what_is_not_told_is_counted() -> None:
    several = [found(f"AAA0{n:02}", A, frames=(n + 1,), weight=50 - n) for n in range(TOLD + 6)]
    one = points(*several)[0]
    assert one.story.endswith("6 further findings about the same hosts are listed below.")
    assert len(one.findings) == KEPT
    assert "AAA006" not in one.story
    assert points(*several[: TOLD + 1])[0].story.endswith("1 further finding about the same hosts is listed below.")
    assert "further" not in points(*several[:TOLD])[0].story


def test_quieter_findings_about_the_same_host_are_told_with_it() -> None:
    one = points(found("AAA001", A, priority="high"), found("AAA002", A, priority="low", frames=(7,)))
    assert [len(p.findings) for p in one] == [2]
    assert one[0].priority == "high"


def test_the_surest_of_its_priority_gives_the_confidence() -> None:
    both = points(found("AAA001", A, confidence="low", weight=1), found("AAA002", A, confidence="high", frames=(4,)))
    assert (both[0].priority, both[0].confidence) == ("medium", "high")


def test_drafts_of_all_rules_come_most_telling_first() -> None:
    from tshark_report.rules.base import Outcome

    quiet, loud = found("AAA001", A, priority="low"), found("AAA002", B, priority="high")
    outcomes = [Outcome(f.rule, "fired", "", [f.draft]) for f in (quiet, loud)]
    assert [f.draft.priority for f in fired(outcomes)] == ["high", "low"]


def test_a_filter_is_checked_only_where_tshark_counted_the_frames_of_the_finding() -> None:
    one = found("AAA001", A, frames=(3, 4, 4))
    for counts, matched, checked in (({"tcp": 2}, 2, True), ({"tcp": 3}, 3, False), ({}, 2, False)):
        made = to_findings([one], PACKETS, counts, "a b.pcap")[0]
        assert (made.matched_packets, made.filter_checked) == (matched, checked)
    assert made.reproduce == "tshark -n -r 'a b.pcap' -Y tcp"
    assert (made.first_frame, made.last_frame, made.frames) == (3, 4, [3, 4])
    assert (made.first_time, made.last_time) == ("2023-11-14T22:13:22.000000Z", "2023-11-14T22:13:23.000000Z")


def test_what_is_only_for_information_is_listed_and_not_told_in_a_louder_story() -> None:
    loud, info = found("AAA001", A, B), found("AAA002", A, B, priority="info", frames=(5,))
    one = points(loud, info)
    assert len(one) == 1
    assert one[0].findings == [loud.id, info.id]
    assert f"{A} did AAA002" not in one[0].story
    assert one[0].story.endswith("1 further finding about the same hosts is listed below.")
