"""The verdict: at which layer the trouble is, with the numbers, or that nothing stands out."""

from __future__ import annotations

import pytest

from tests.rules.transport.wire import Talk, tabled
from tshark_report.report.model import Confidence, Finding, Priority, Table
from tshark_report.rules import ALL
from tshark_report.story.transport_health import transport_health
from tshark_report.story.verdict import LAYERS, TELLING, verdict


def finding(name: str, priority: Priority, title: str = "", confidence: Confidence = "high") -> Finding:
    return Finding(
        id=f"X-{name}", code="XXX001", name=name, question="Is it?", title=title or f"Title of {name}", subject="s",
        hosts=["10.0.0.5"], summary=f"What {name} saw at 10.0.0.5. A second sentence.", priority=priority, confidence=confidence,
        display_filter="tcp", matched_packets=1, filter_checked=True, first_frame=1, last_frame=1, first_time=None, last_time=None,
        evidence=Table(columns=[], rows=[], total_rows=0), why="Because.", innocent=[], confirm=[], reproduce="",
    )  # fmt: skip


TABLES = tabled(Talk(protocol="HTTP").handshake().say(0.1, 100, up=True).say(0.2, 100).end(0.3))
HEALTH = transport_health(TABLES)


def said(*findings: Finding):  # noqa: ANN201
    return verdict(findings, HEALTH)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("slow-answers", "application"),
        ("resent-segments", "transport"),
        ("unanswered-connections", "network"),
        ("unanswered-arp", "link"),
    ],
)
def test_layer_of_the_leading_finding(name: str, layer: str) -> None:
    made = said(finding(name, "medium"))
    assert made.layer == layer
    assert made.headline == f"10.0.0.5: Title of {name}."
    assert f"What {name} saw at 10.0.0.5." in made.reason
    assert "second sentence" not in made.reason
    assert "none of 8 TCP packets was sent again" in made.reason


def test_the_other_side_is_said_to_be_well() -> None:
    assert said(finding("slow-answers", "medium")).reason.endswith("The transport does not stand out.")


def test_undecided_where_both_show_trouble() -> None:
    made = said(finding("slow-answers", "medium"), finding("resent-segments", "medium"))
    assert made.layer == "undecided"
    assert "Also seen: Title of resent-segments (transport)." in made.reason


def test_what_is_no_question_of_speed() -> None:
    made = said(finding("horizontal-port-scan", "medium"))
    assert made.layer == "none"
    assert "not a question of speed" in made.reason
    both = said(finding("horizontal-port-scan", "high"), finding("resent-segments", "medium"))
    assert both.layer == "undecided"
    assert "transport shows trouble too" in both.reason


def test_trouble_leads_where_it_ranks_first() -> None:
    assert said(finding("resent-segments", "medium"), finding("horizontal-port-scan", "medium")).layer == "transport"


def test_small_things() -> None:
    made = said(finding("odd-certificates", "low"), finding("zero-windows", "low"))
    assert made.layer == "transport"
    assert made.headline.startswith("Nothing in this capture stands out; the most telling of the small things")


def test_nothing_stands_out() -> None:
    assert said().headline == "Nothing in this capture stands out."
    assert said().layer == "none"
    assert said(finding("zero-windows", "info")).layer == "none"
    made = said(finding("odd-certificates", "low"))
    assert made.headline == "Nothing in this capture stands out; 1 finding of low priority is listed."
    assert "Neither application nor transport stands out" in made.reason


def test_names_are_those_of_rules() -> None:
    known = {rule.name for rule in ALL}
    assert set(LAYERS) <= known, set(LAYERS) - known
    assert set(TELLING) <= set(LAYERS)
