"""Findings that only a baseline makes."""

from __future__ import annotations

import pytest

from tests import builders as b
from tests.normal import office as o
from tshark_report.normal import rules
from tshark_report.normal.judge import Known
from tshark_report.normal.news import ENOUGH_SESSIONS, news
from tshark_report.rules.base import Draft, Rule
from tshark_report.tables.tables import Tables

LEARNT = o.learn(o.ordinary(ENOUGH_SESSIONS + 2))


def drafts(rule: Rule, made: Tables) -> list[Draft]:
    made.kept[rules.KEPT] = news(o.facts_of(made), Known(LEARNT))
    return b.drafts(rule, made)


@pytest.mark.parametrize(
    ("change", "priority"),
    [
        ({"server": o.BARE}, None),  # by its address, nothing else
        ({"server": o.BARE, "port": 8081}, "low"),
        ({"server": o.BARE, "port": 8081, "up": 90_000}, "low"),
        ({"server": o.BARE, "port": 8081, "up": 200_000}, "medium"),
    ],
)
def test_new_destinations_by_their_signs(change: dict, priority: str | None) -> None:
    made = drafts(rules.new_destinations, o.tables(o.session(0, **change)))
    assert [d.priority for d in made] == ([priority] if priority else [])


def test_a_habit_with_three_signs_is_medium_and_counts_its_frames() -> None:
    near_miss = [o.session(20, server=o.BARE, port=443, at=50), o.session(21, server=o.SHOP, port=8081, at=60)]
    several = [o.session(n, server=o.BARE, port=8081, at=n) for n in range(9)]
    made = drafts(rules.new_destinations, o.tables(*several, *near_miss, names={o.SHOP: "www.shop.example"}))
    assert len(made) == 1
    draft = made[0]
    assert draft.priority == "medium"
    assert draft.hosts[0] == o.PC
    assert list(draft.frames) == list(range(1, 55))
    assert draft.display_filter == f"(ip.addr == {o.PC} && ip.addr == {o.BARE}) && tcp.port == 8081"
    assert "9 sessions" in draft.summary


def test_a_named_new_place_makes_no_finding() -> None:
    made = o.tables(o.session(0, server=o.BARE), names={o.BARE: "www.other.example"})
    assert drafts(rules.new_destinations, made) == []


def test_a_new_service_is_low() -> None:
    made = drafts(rules.new_services, o.tables(o.session(0, client="10.0.0.6", server=o.PC, port=4444)))
    assert [(d.priority, d.hosts[0], "tcp/4444" in d.summary) for d in made] == [("low", o.PC, True)]


@pytest.mark.parametrize(
    ("change", "fires"),
    [({"up": 900_000}, False), ({"up": 1_500_000}, True), ({"down": 9_000_000}, False), ({"think": 3.0}, True)],
)
def test_unusual_amounts(change: dict, fires: bool) -> None:
    made = drafts(rules.unusual_amounts, o.tables(o.session(0, **change), names={o.SHOP: "www.shop.example"}))
    assert [d.priority for d in made] == (["low"] if fires else [])


def test_without_a_baseline_the_rules_say_nothing() -> None:
    for rule in rules.RULES:
        assert b.drafts(rule, o.tables(o.session(0))) == []
        assert b.drafts(rule, b.tables()) == []


def test_texts_are_whole_and_codes_are_free() -> None:
    from tshark_report.rules import ALL

    taken = {rule.code for rule in ALL} | {rule.name for rule in ALL}
    for rule in rules.RULES:
        assert rule.code not in taken
        assert rule.name not in taken
        assert rule.innocent
        assert rule.confirm
        assert rule.question.endswith("?")
        assert not rule.title.endswith(".")
