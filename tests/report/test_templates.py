"""The templates are found, escape everything, and can be overridden piece by piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report import sample
from tshark_report.errors import RenderFailed, UsageError
from tshark_report.report import as_html, templates


def test_all_templates_compile_and_escape() -> None:
    made = templates.environment()
    names = sorted(path.name for path in templates.folder().glob("*.j2"))
    assert "report.html.j2" in names
    for name in names:
        made.get_template(name)
    assert made.autoescape is True
    assert made.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"


def test_no_template_switches_escaping_off() -> None:
    for path in templates.folder().glob("*.j2"):
        text = path.read_text()
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text


def test_single_block_can_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text(
        '{% extends "original/report.html.j2" %}{% block brand %}<p>Example Corp CSIRT</p>{% endblock %}'
    )
    (tmp_path / "brand.css").write_text(".top { border-top: 4px solid #0072b2; }")
    page = as_html.render(sample.quiet(), templates=tmp_path)
    assert "<p>Example Corp CSIRT</p>" in page
    assert "border-top: 4px solid #0072b2" in page
    assert "Checks made and not made" in page


@pytest.mark.parametrize("text", ["{% block brand %}", "{{ no_such_name }}"])
def test_mistake_in_a_template_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "header.html.j2").write_text(text)
    with pytest.raises(RenderFailed) as caught:
        as_html.render(sample.quiet(), templates=tmp_path)
    assert caught.value.next_step == "Try again without --templates."


def test_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        as_html.render(sample.quiet(), templates=tmp_path / "no")
