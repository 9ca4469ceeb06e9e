"""A rule's page: one source for docs/rules/, for `explain`, and nothing else to keep in step."""

from __future__ import annotations

from collections.abc import Sequence

from tshark_report.rules.base import RestsOn, Rule

HEADER = "<!-- Made from the rule by `make docs`; edit the rule, not this page. -->\n\n"


def page(rule: Rule) -> str:
    """The rule in Markdown, with fixed headings in a fixed order."""
    parts = [
        f"# {rule.code} {rule.name}",
        f"**{rule.title}**",
        "## Question",
        rule.question + (f" (answers {', '.join(rule.answers)})" if rule.answers else ""),
        "## Why it matters",
        rule.why,
        "## Harmless explanations",
        "\n".join(f"- {i.explanation} *To tell apart:* {i.tell_apart}" for i in rule.innocent),
        "## How to confirm",
        "\n".join(f"{n}. {step}" for n, step in enumerate(rule.confirm, 1)),
        "## Thresholds",
        _thresholds(rule),
        "## What it reads",
        f"Tables: {', '.join(rule.needs) or 'packets'}.{_fields(rule)}{_rests_on(rule)}",
        "## References",
        "\n".join(f"- [{r.title}]({r.url})" if r.url else f"- {r.title}" for r in rule.references) or "None.",
    ]
    return "\n\n".join(parts) + "\n"


def _fields(rule: Rule) -> str:
    if not rule.fields:
        return ""
    return f" tshark fields without which it cannot be evaluated: {', '.join(f'`{f}`' for f in rule.fields)}."


RESTS_ON: dict[RestsOn, str] = {
    "both-sides": "both sides of the conversations",
    "no-gaps": "every packet that the hosts received",
    "order": "packets in the order of their times",
    "handshakes": "connections from their start",
    "whole-packets": "packets not cut by the snap length",
}
"""What a capture must hold for a finding to be as sure as it says, in words."""


def _rests_on(rule: Rule) -> str:
    if not rule.rests_on:
        return ""
    return f"\n\nA capture without {' or without '.join(RESTS_ON[r] for r in rule.rests_on)} lowers its confidence."


def _thresholds(rule: Rule) -> str:
    if not rule.thresholds:
        return "None: what it looks for is there or is not."
    rows = [f"| `{name}` | {t.value:g} {t.unit} | {t.reason} |" for name, t in rule.thresholds.items()]
    head = "| name | value | reason |\n|---|---|---|\n"
    return head + "\n".join(rows) + f"\n\nOverride them under `[thresholds.{rule.code}]` in a settings file."


def index(every: Sequence[Rule]) -> str:
    """The table of all rules."""
    rows = [f"| [{r.code}]({r.code}.md) | {r.name} | {r.family} | {r.question} |" for r in every]
    return (
        HEADER
        + "# Rules\n\nIn the order in which the report lists them.\n\n"
        + "| code | name | family | question |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )
