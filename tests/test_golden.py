"""Golden reports: what a reader of a fixture's report sees, compared as a whole.

`make golden` writes them again; the difference is reviewed. Versions and the moment of
making are masked. What depends on the tshark version (hierarchy, expert texts, decoded
packets) is left out: tests of its own hold it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.conftest import FIXTURES, fixture_capture
from tshark_report.pipeline import Request, build
from tshark_report.report.model import Report

GOLDEN = Path(__file__).parent / "golden"
NAMES = ("staged_incident", "quiet_hour", "slow_server", "lossy_wire", "port_scan", "hostile_text")
KEPT = ("overview", "verdict", "starting_points", "findings", "limits", "files", "indicators", "transport", "dns")


def _masked(report: Report) -> str:
    data = msgspec.to_builtins(report)
    made = {key: data[key] for key in KEPT}
    for point in made["starting_points"]:
        point.pop("details")
    for finding in made["findings"]:
        for general in ("why", "innocent", "confirm", "references"):
            finding.pop(general)
        for given in ("normal", "normal_because"):
            assert finding.pop(given) == "", "without a baseline nothing is compared"
        finding["frames"] = finding["frames"][:10]
    made["checks"] = {check["code"]: check["status"] for check in data["checks"]}
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace").decode() + "\n"


@pytest.mark.tshark
@pytest.mark.parametrize("name", NAMES)
def test_report_is_as_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    report = build(Request(fixture_capture(name)), now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    text = _masked(report)
    path = GOLDEN / f"{name}.json"
    if request.config.getoption("--golden"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    assert path.exists(), "run `make golden` and review what it writes"
    assert text == path.read_text(encoding="utf-8"), (
        "the report changed; if that is right: make golden, and review the diff"
    )


@pytest.mark.tshark
@pytest.mark.parametrize("name", sorted(p.parent.name for p in FIXTURES.glob("*/key.json")))
def test_fixture_facts_and_filters(name: str) -> None:
    """Every fact of the key stands in the report's first three starting points; every filter was run and agrees."""
    key = json.loads((FIXTURES / name / "key.json").read_text())
    report = build(Request(fixture_capture(name)))
    by_id = {f.id: f for f in report.findings}
    told = [
        text
        for point in report.starting_points[:3]
        for text in (
            point.headline, point.story, point.subject, *point.hosts,
            *(part for i in point.findings for part in (by_id[i].title, by_id[i].summary, by_id[i].subject,
                                                        by_id[i].display_filter, str(by_id[i].evidence.rows[:5]))),
        )
    ]  # fmt: skip
    whole = "\n".join(told).lower()
    missed = [
        fact["fact"]
        for fact in key["expect"]
        if fact["importance"] == "must" and not any(_stands(p, whole) for p in fact["match_any"])
    ]
    loud = [f"{f.code} {f.subject}" for f in report.findings if f.priority in ("high", "medium")]
    if key["expected_verdict"] in ("benign", "benign-odd"):
        assert loud == []
    else:
        assert missed == []
    unchecked = [(f.code, f.display_filter, f.matched_packets) for f in report.findings if not f.filter_checked]
    assert unchecked == []
    assert [c for c in report.checks if c.status == "error"] == []


def _stands(pattern: str, text: str) -> bool:
    import re

    if pattern.startswith("re:"):
        return re.search(pattern[3:], text, re.IGNORECASE) is not None
    return pattern.lower() in text
