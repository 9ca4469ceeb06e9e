"""The page as text; what a browser makes of it is in test_as_html_browser.py."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from tests.report import sample
from tshark_report.report import as_html, view


class Page(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", sorted(sample.ALL))
def test_any_report_renders_small_and_inert(name: str) -> None:
    text = as_html.render(sample.ALL[name]())
    page = Page(text)
    assert len(text.encode()) < as_html.LARGEST
    assert not [
        tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "embed", "link", "form", "img", "base")
    ]
    for tag, attributes in page.tags:
        assert not [key for key in attributes if key.startswith("on")], tag
        assert "style" not in attributes
        for key in ("href", "src", "xlink:href", "action"):
            value = attributes.get(key)
            assert value is None or value.startswith("#"), (tag, value)


@pytest.mark.parametrize("name", sorted(sample.ALL))
def test_ids_are_unique_and_links_lead_somewhere(name: str) -> None:
    page = Page(as_html.render(sample.ALL[name]()))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {str(attributes["href"])[1:] for _, attributes in page.tags if "href" in attributes}
    assert links <= set(ids)


def test_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    text = as_html.render(sample.incident())
    css = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert css is not None
    digest = base64.b64encode(hashlib.sha256(css.group(1).encode()).digest()).decode()
    assert f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;" in text
    assert "url(" not in css.group(1)
    assert "@import" not in css.group(1)


def test_template_braces_from_the_wire_are_not_evaluated() -> None:
    text = as_html.render(sample.hostile())
    assert "{{ 7*7 }}" in text
    assert ">49<" not in text


def test_hidden_characters_are_shown() -> None:
    text = as_html.render(sample.hostile())
    assert "[U+202E]gpj.exe" in text
    for char in "\u202e\u2066\u200b\x1b\x07\x00":
        assert char not in text


def test_first_page_tells_where_to_start() -> None:
    text = as_html.render(sample.incident())
    first, rest = text.split('id="in-depth"')
    for words in (
        sample.PC,
        "every minute",
        "Harmless if",
        "4,812 packets; findings in frames 142–2,320",
        "09:13:59",
        sample.HASH,
    ):
        assert words in first
    assert '<code class="copy">ip.addr == 10.1.2.3 &amp;&amp; ip.addr in' in first
    assert first.index("Where to start</h2>") < first.index("Timeline</h2>") < first.index("Who talked to whom</h2>")
    assert "Packets under each other" in rest


def test_nothing_stands_out() -> None:
    text = as_html.render(sample.quiet())
    assert '<p class="headline">Nothing in this capture stands out</p>' in text
    assert '<a href="#checks">3 checks could not be made</a>, 8 checks found nothing.' in text
    undecided = sample.change(sample.quiet().verdict, headline="All is as usual")
    text = as_html.render(sample.change(sample.quiet(), verdict=undecided))
    assert 'Nothing in this capture stands out; <a href="#checks">3 checks could not be made</a>' in text
    assert 'id="in-depth"' not in text


def test_harmless_reading_is_as_large_as_the_suspicion() -> None:
    text = as_html.render(sample.incident())
    first = text.split('id="in-depth"')[0]
    assert first.count("Why here</h4>") == first.count("Harmless if</h4>") == 2
    assert text.count("Why it matters</h5>") + text.count("Why it matters</h4>") == 6


def test_cut_tables_say_so() -> None:
    text = as_html.render(sample.huge())
    assert re.search(r"TCP conversations \(\d+ of 5,311 rows\)", text)
    assert "of 9,000 hosts" in text


def test_all_five_outcomes_are_shown() -> None:
    text = as_html.render(sample.incident())
    for words in (
        "Seen (6)",
        "Looked for, not seen (3)",
        "Nothing to check here (1)",
        "Could not be made (2)",
        "Failed (1)",
    ):
        assert words in text


def test_damage_and_warnings_are_at_the_top() -> None:
    report = sample.incident()
    capture = sample.change(
        report.capture,
        truncated=True,
        clock_ordered=False,
        snap_length_cut_packets=1,
        warnings=["the last packet is cut"],
    )
    first = as_html.render(sample.change(report, capture=capture)).split('id="where-to-start"')[0]
    assert "cut short in the middle of a packet; 1 packet captured only in part (snap length); time stamps" in first
    assert "<strong>Warning:</strong> the last packet is cut" in first


def test_findings_told_once_are_linked_later() -> None:
    report = sample.incident()
    again = sample.change(report.starting_points[1], findings=["HTT003-1", "DNS004-1"])
    text = as_html.render(sample.change(report, starting_points=[report.starting_points[0], again]))
    assert "Told above, and part of this too" in text
    assert text.count("A client posted to one server at a regular interval</h4>") == 1


def test_odd_rows_stay_when_a_line_up_is_cut() -> None:
    line_up = sample.line_up()
    many = sample.change(
        line_up, frames=list(range(500)), rows=[line_up.rows[0]] * 500, odd=[(490, 3)], total_packets=500
    )
    point = sample.change(sample.incident().starting_points[0], line_up=many)
    text = as_html.render(sample.change(sample.incident(), starting_points=[point]))
    assert '<th scope="row" class="num">490</th>' in text
    assert f"({view.SCREEN.line_up} of 500 packets)" in text


def test_import_is_light() -> None:
    code = "import sys, tshark_report.report.as_html; print({'polars', 'weasyprint', 'stix2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
