"""Whole reports with a baseline, on captures of the office that it was learnt from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tests.normal import office as o
from tshark_report.normal import store
from tshark_report.normal.against import against
from tshark_report.normal.model import VERSION, replaced
from tshark_report.pipeline import build
from tshark_report.reading import Request
from tshark_report.report.model import Report

pytestmark = pytest.mark.tshark


def report(name: str, baseline: Path) -> Report:
    return build(Request(fixture_capture(name), baseline=baseline))


def test_the_incident_comes_first_and_nothing_malicious_is_lowered(office: Path) -> None:
    plain, made = build(Request(fixture_capture("staged_incident"))), report("staged_incident", office)
    view = made.normal
    assert view is not None
    assert view.problem == ""
    assert view.lowered == []
    before = {f.id: (f.priority, f.confidence) for f in plain.findings}
    assert {f.id: (f.priority, f.confidence) for f in made.findings} == before
    loud = [f for f in made.findings if f.priority in ("high", "medium")]
    assert {f.normal for f in loud} == {"new here"}
    assert made.starting_points[0].subject == "10.20.0.21"
    assert "new here" in made.starting_points[0].why_here
    # The three hosts of the incident stand before every harmless new place.
    assert [n.what for n in view.news[:3]] == ["192.0.2.88 tcp/8080", "203.0.113.200 tcp/80", "203.0.113.77 tcp/80"]
    assert all(f.filter_checked for f in made.findings)
    usual = [f for f in made.findings if f.normal == "usual here"]
    assert [f.name for f in usual] == ["executable-download"]
    for finding in made.findings:
        assert finding.evidence.columns[-1].name == "against normal"
        assert {row[-1] for row in finding.evidence.rows} <= {
            "usual here",
            "new here",
            "unusual amount",
            "not compared",
        }


@pytest.mark.parametrize("name", ["quiet_hour", "clean_wire", "fast_server"])
def test_harmless_captures_stay_quiet(name: str, office: Path) -> None:
    made = report(name, office)
    assert made.starting_points == []
    assert all(f.priority == "info" for f in made.findings)
    assert made.normal is not None
    assert made.normal.news == []


def test_what_was_lowered_is_counted_and_listed(office: Path) -> None:
    made = report("quiet_hour", office)
    assert made.normal is not None
    assert [(x.name, x.before, x.after) for x in made.normal.lowered] == [("regular-requests", "low", "info")]
    assert "1 finding rated lower" in made.normal.sentence
    finding = next(f for f in made.findings if f.id == made.normal.lowered[0].finding)
    assert "usual here" in finding.lowered_because


def test_a_slow_server_is_an_unusual_amount(office: Path) -> None:
    made = report("slow_server", office)
    assert [(f.name, f.normal) for f in made.findings] == [("slow-answers", "unusual amount")]
    assert "answer in 1.70 s" in made.findings[0].normal_because


def test_a_lossy_wire_is_an_unusual_amount(office: Path) -> None:
    made = report("lossy_wire", office)
    assert [(f.name, f.normal) for f in made.findings] == [("resent-segments", "unusual amount")]


def test_rules_of_the_baseline_are_among_the_checks(office: Path) -> None:
    made = report("clean_wire", office)
    assert [(c.code, c.status) for c in made.checks if c.code.startswith("NRM")] == [
        ("NRM001", "quiet"), ("NRM002", "quiet"), ("NRM003", "quiet"),
    ]  # fmt: skip


def _bad(office: Path, tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.json"
    if kind == "damaged":
        path.write_bytes(office.read_bytes()[:5000])
    elif kind == "version":
        path.write_bytes(office.read_bytes().replace(b'"schema_version":%d' % VERSION, b'"schema_version":99'))
    else:
        store.save(o.learn(o.ordinary(3)), path)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [("damaged", "damaged"), ("version", "another schema version"), ("networks", "other home networks (10.0.0.0/24)")],
)
def test_a_baseline_that_cannot_be_used_is_told_and_the_report_comes(
    office: Path, tmp_path: Path, kind: str, words: str
) -> None:
    plain = build(Request(fixture_capture("clean_wire")))
    made = report("clean_wire", _bad(office, tmp_path, kind))
    assert made.normal is not None
    assert words in made.normal.problem
    assert made.normal.sentence.startswith("Nothing was compared")
    assert made.findings == plain.findings
    assert made.verdict == plain.verdict
    assert {c.status for c in made.checks if c.code.startswith("NRM")} == {"not-evaluated"}


def test_hosts_of_a_network_that_was_not_learnt_are_remarked(tmp_path: Path) -> None:
    path = tmp_path / "n.json"
    store.save(replaced(o.learn(o.ordinary(60)), home=["10.0.0.0/8"]), path)
    made = o.tables(o.session(0), o.session(1, client="10.5.5.5", at=9), names={o.SHOP: "www.shop.example"})
    view = against(path, [], made, o.SETTINGS).view
    assert any("10.5.5.0/24 is not in the baseline" in r for r in view.remarks)
    assert any("other home networks in the settings" in r for r in view.remarks)


def test_what_other_rules_tell_is_not_told_again(tmp_path: Path) -> None:
    from tests.normal.test_said import fired

    path = tmp_path / "n.json"
    store.save(o.learn(o.ordinary(60)), path)
    several = [o.session(n, server=o.BARE, port=8081, at=n) for n in range(9)]
    alone = against(path, [], o.tables(*several), o.SETTINGS)
    assert [f.rule.code for f in alone.found] == ["NRM001"]
    made = o.tables(*several)
    told = fired(list(range(1, made.packets.height + 1)), (o.PC, o.BARE))
    assert [f.rule.code for f in against(path, [told], made, o.SETTINGS).found] == ["CHK001"]
    quiet = fired(list(range(1, made.packets.height + 1)), (o.PC, o.BARE), priority="info")
    again = o.tables(*several)
    assert [f.rule.code for f in against(path, [quiet], again, o.SETTINGS).found] == ["NRM001", "CHK001"]


def test_the_sections_are_in_every_format(office: Path) -> None:
    from tshark_report.report import as_html, as_markdown

    made = report("staged_incident", office)
    page, text = as_html.render(made), as_markdown.render(made)
    for words in ("Against normal", "192.0.2.88 tcp/8080", "new here"):
        assert words in page
        assert words in text
