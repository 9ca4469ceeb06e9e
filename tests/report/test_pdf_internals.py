"""What report.as_pdf and report.quicker use of WeasyPrint and pydyf that is not promised to stay.

Where one of these tests fails after an update, the PDF is still right, only slower or without our media types: see the
module that the test names, and fit it to the new version.
"""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pydyf
import pytest
import weasyprint
from cssselect2 import ElementWrapper

from tests.report import sample
from tshark_report.report import as_pdf, quicker


def test_weasyprint_builds_a_page_as_quicker_does() -> None:
    """quicker.Page sets these, and gives its own style sheets."""
    page = weasyprint.HTML(string="<p>x</p>")
    assert isinstance(page.wrapper_element, ElementWrapper)
    assert page.etree_element is page.wrapper_element.etree_element
    assert list(inspect.signature(weasyprint.HTML._ua_stylesheets).parameters) == ["self", "forms"]
    for sheet in page._ua_stylesheets():
        assert all(len(selector) >= 4 for selector in sheet.matcher.other_selectors)


def test_pydyf_builds_objects_as_we_write_them() -> None:
    """as_pdf._written_once and quicker.compressed read and replace these."""
    assert isinstance(pydyf.Object.data, property)
    for one in (pydyf.Stream([b"x"], compress=True), pydyf.Dictionary({})):
        assert (one.number, one.free) == (None, "n")
        assert isinstance(one.compressible, bool)
    assert pydyf._to_bytes(1) == b"1"
    assert {"stream", "extra", "compress"} <= set(vars(pydyf.Stream([])))
    assert pydyf.PDF().objects[0].free == "f"


@pytest.mark.parametrize("lacking", ["data", "number", "free"])
def test_objects_of_another_build_are_left_to_pydyf(lacking: str) -> None:
    parts = {"data": b"x", "number": 1, "free": "n"}
    parts.pop(lacking)
    other = type("Other", (), parts)()
    pdf = SimpleNamespace(objects=[other])
    as_pdf._written_once(pdf)
    assert pdf.objects == [other]


def test_without_the_private_function_streams_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pydyf, "_to_bytes")
    stream = pydyf.Stream([b"x"], compress=True)
    quicker.compressed(stream)
    assert (stream.stream, stream.compress) == ([b"x"], True)


def test_a_pdf_of_another_build_is_still_a_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    def untouched(pdf: Any) -> None:
        del pdf

    monkeypatch.setattr(as_pdf, "_written_once", untouched)
    assert as_pdf.render(sample.quiet()).startswith(b"%PDF-1.")
