"""What made the reader look, in the page and on paper."""

from __future__ import annotations

import re

import pytest

from tests.focus import sample as focused
from tests.report import sample
from tshark_report.report import as_html, as_json, as_pdf, focus_view, model, redact


def test_tables_are_cut_and_lean() -> None:
    shown = focus_view.view(focused.report(), paper=True, day=True, longest=120)
    assert shown is not None
    assert shown.more_clients == 5
    assert shown.cut == "2 of 150 matches"
    assert shown.clients[0].exchanged.cut == "1 of 200 events"
    # A column in which no row has anything is left out.
    assert [head.text for head in shown.clients[0].around.heads] == ["What"]
    assert "frames 3\u20139" in shown.clients[0].where
    assert shown.matches[0].frames.endswith("22 and more")


def test_paper_keeps_what_is_nearest_and_what_led_there() -> None:
    columns = [model.Column(name=n) for n in ("From first contact", "What", "Led there")]
    rows: list[list[model.Cell]] = [[float(n), f"e{n}", "led" if n == -50 else ""] for n in range(-50, 50)]
    client = sample.change(focused.focus().clients[0], around=model.Table(columns=columns, rows=rows, total_rows=100))
    report = sample.change(focused.report(), focus=sample.change(focused.focus(), clients=[client]))
    shown = focus_view.view(report, paper=True, day=True, longest=120)
    assert shown is not None
    kept = [row[1] for row in shown.clients[0].around.rows]
    assert kept[0] == "e-50"
    assert set(kept[1:]) == {f"e{n}" for n in range(-6, 7)}
    assert shown.clients[0].around.cut == "14 of 100 events"


def test_without_it_nothing_is_shown() -> None:
    assert focus_view.view(sample.incident(), paper=False, day=True, longest=120) is None
    page = as_html.render(sample.incident())
    assert "What made you look" not in page


@pytest.mark.parametrize("made", [focused.report, focused.nothing])
def test_the_page_opens_with_it_and_stays_inert(made) -> None:  # noqa: ANN001
    page = as_html.render(made())
    assert page.index('id="focus"') < page.index('id="where-to-start"')
    assert 'href="#focus"' in page
    assert "<script" not in page
    assert "\u202e" not in page
    assert " style=" not in page
    assert not re.search(r"<a [^>]*href=\"(?!#)", page)


def test_findings_are_linked() -> None:
    page = as_html.render(focused.report())
    section = page[page.index('id="focus"') : page.index('id="where-to-start"')]
    anchor = re.search(r'href="#(finding-\d+)"', section)
    assert anchor is not None
    assert f'id="{anchor[1]}"' in page
    assert "No rule found anything about these packets." in section


def test_paper() -> None:
    data = as_pdf.render(focused.report())
    assert data.startswith(b"%PDF")
    assert len(data) > len(as_pdf.render(sample.incident()))


def test_json_comes_back() -> None:
    import msgspec

    report = focused.report()
    assert msgspec.json.decode(as_json.render(report), type=model.Report) == report


def test_pseudonyms_reach_it() -> None:
    report = focused.report()
    made = redact.redact(report, redact.KINDS)
    data = as_json.render(made).decode()
    for secret in (sample.PC, "203.0.113.66", "cdn-status.example", "cdn-status[.]example", "j.roe"):
        assert secret not in data
    assert made.focus is not None
    ids = {finding.id for finding in made.findings}
    assert set(made.focus.findings) <= ids
    assert set(made.focus.clients[0].findings) <= ids
