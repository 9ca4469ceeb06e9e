"""What holds for every rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import builders as b
from tshark_report.rules import ALL
from tshark_report.rules.base import Rule, Threshold, run
from tshark_report.rules.docs import page
from tshark_report.settings import Settings

IDS = [r.code for r in ALL]
TOP = Path(__file__).resolve().parent.parent


def test_codes_and_names_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)
    assert len({r.name for r in ALL}) == len(ALL)


def test_every_question_has_a_rule() -> None:
    answered = {q for r in ALL for q in r.answers}
    # Q11 (statistics), and Q14 (line the fields up) are views, not rules.
    assert {f"Q{n}" for n in range(1, 14)} - {"Q11"} <= answered, sorted({f"Q{n}" for n in range(1, 14)} - answered)


@pytest.mark.parametrize("rule", ALL, ids=IDS)
def test_texts(rule: Rule) -> None:
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert rule.question.endswith("?")
    assert rule.why.endswith(".")
    assert all(i.explanation and i.tell_apart for i in rule.innocent)
    assert all(isinstance(t, Threshold) and t.reason and t.unit for t in rule.thresholds.values())
    claims = re.search(r"(?i)\b(malware|attacker|infected|compromised|malicious)\b", rule.title)
    assert claims is None, claims


@pytest.mark.parametrize("rule", ALL, ids=IDS)
def test_runs_on_nothing(rule: Rule) -> None:
    assert list(rule.function(b.tables(), __import__("tshark_report.rules.base", fromlist=["Context"]).Context(
        Settings(), rule.limits(Settings()), b.tables()))) == []  # fmt: skip


@pytest.mark.parametrize("rule", ALL, ids=IDS)
def test_has_its_file_and_its_tests(rule: Rule) -> None:
    name = rule.name.replace("-", "_")
    assert (TOP / "tshark_report" / "rules" / rule.family / f"{name}.py").is_file()
    assert (TOP / "tests" / "rules" / rule.family / f"test_{name}.py").is_file()


@pytest.mark.parametrize("rule", ALL, ids=IDS)
def test_page_has_every_heading(rule: Rule) -> None:
    text = page(rule)
    for heading in (
        "Question",
        "Why it matters",
        "Harmless explanations",
        "How to confirm",
        "Thresholds",
        "What it reads",
        "References",
    ):
        assert f"## {heading}\n" in text


def test_a_rule_that_fails_is_an_outcome() -> None:
    broken = Rule(
        **{f: getattr(ALL[0], f) for f in ALL[0].__dataclass_fields__} | {"needs": (), "function": lambda *_: 1 / 0}
    )  # type: ignore[arg-type]
    outcomes = list(run([broken, ALL[1]], b.tables(packets=b.packets({})), Settings()))
    assert outcomes[0].status == "error"
    assert "ZeroDivisionError" in outcomes[0].reason
    assert outcomes[1].status != "error"


def test_a_missing_field_is_not_evaluated() -> None:
    from dataclasses import replace

    lacking = replace(ALL[0], fields=("no.such.field",))
    made = replace(b.tables(packets=b.packets({})), missing_fields=frozenset({"no.such.field"}))
    outcome = next(iter(run([lacking], made, Settings())))
    assert outcome.status == "not-evaluated"
    assert "no.such.field" in outcome.reason


def test_thresholds_can_be_set() -> None:
    rule = next(r for r in ALL if r.thresholds)
    name = next(iter(rule.thresholds))
    assert rule.limits(Settings(thresholds={rule.code: {name: 12345.0}}))[name] == 12345.0
