"""A report that opens with what made the reader look: order, ranks, words."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import packets, tables
from tests.report import sample
from tshark_report.focus.asked import Asked
from tshark_report.focus.look import Looked, look
from tshark_report.focus.opening import HARMLESS, opened
from tshark_report.report import model
from tshark_report.settings import Settings


def _looked(**changed: object) -> Looked:
    rows = packets(
        {"flags": 2}, {"src": "203.0.113.9", "dst": "10.0.0.5", "src_port": 443, "dst_port": 40000, "flags": 0x12}
    )
    made = look(Asked(values=("203.0.113.9",)), tables(packets=rows), Settings(), [])
    return Looked(msgspec.structs.replace(made.focus, **changed), made.short, made.what)


def _point(rank: int, subject: str, *findings: str) -> model.StartingPoint:
    return model.StartingPoint(
        rank=rank, subject=subject, hosts=[subject], headline=f"{subject}: Something was seen", priority="high",
        story=f"Start with {subject}. At 09:14:07 it did this (frame 3).", confidence="high", findings=list(findings),
        why_here=f"{'First' if rank == 1 else f'Number {rank}'} because ABC001 rule is of high priority.", harmless="A backup.",
    )  # fmt: skip


@pytest.fixture
def report(empty_report: model.Report) -> model.Report:
    points = [_point(1, "10.0.0.9", "A"), _point(2, "10.0.0.8", "B"), _point(3, "10.0.0.5", "C")]
    return msgspec.structs.replace(empty_report, starting_points=points)


@pytest.fixture
def empty_report() -> model.Report:
    """A report without starting points and findings."""
    verdict = model.Verdict(headline="10.0.0.9: Something was seen", layer="none", reason="As told.")
    return msgspec.structs.replace(sample.quiet(), verdict=verdict, starting_points=[], findings=[])


def test_the_host_that_was_asked_about_moves_to_the_front(report: model.Report) -> None:
    made = opened(report, _looked(), {})
    assert [p.subject for p in made.starting_points] == ["10.0.0.5", "10.0.0.9", "10.0.0.8"]
    first, second, _ = made.starting_points
    assert first.why_here.startswith("First because it was asked about (203.0.113.9); besides, ABC001 rule")
    assert second.why_here.startswith("Number 2 because ABC001")
    assert "10.0.0.5 reached 203.0.113.9 on tcp/443" in first.headline
    assert first.headline.endswith("Something was seen")
    assert first.story.startswith("Start with 10.0.0.5: it reached 203.0.113.9")
    assert first.story.endswith("At 09:14:07 it did this (frame 3).")
    assert first.findings == ["C"]


def test_points_about_the_same_packets_come_next(report: model.Report) -> None:
    made = opened(report, _looked(findings=["B"]), {})
    assert [p.subject for p in made.starting_points] == ["10.0.0.5", "10.0.0.8", "10.0.0.9"]


def test_a_point_is_made_where_no_rule_made_one(empty_report: model.Report) -> None:
    made = opened(empty_report, _looked(), {}).starting_points
    assert len(made) == 1
    assert (made[0].priority, made[0].harmless, made[0].rank) == ("info", HARMLESS, 1)
    assert made[0].display_filter == "ip.addr == 10.0.0.5 && ip.addr == 203.0.113.9"


def test_the_verdict_takes_it_up_and_keeps_the_old_one(report: model.Report) -> None:
    made = opened(report, _looked(), {}).verdict
    assert made.headline.startswith("10.0.0.5 reached 203.0.113.9")
    assert made.reason == "That is what was asked about. The capture as a whole: 10.0.0.9: Something was seen. As told."
    assert made.layer == "none"


def test_nothing_found_changes_no_starting_point(report: model.Report) -> None:
    looked = look(Asked(values=("203.0.113.8",)), tables(packets=packets({})), Settings(), [])
    made = opened(report, looked, {})
    assert made.starting_points == report.starting_points
    assert made.verdict.headline == "203.0.113.8 is not in this capture."
