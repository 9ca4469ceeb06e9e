"""The page of a comparison: whole, escaped, without script; on paper a tagged PDF."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from tests.compare.talks import shop, side
from tests.normal import office as o
from tshark_report.compare.build import compared
from tshark_report.compare.model import Comparison, schema
from tshark_report.compare.page import page
from tshark_report.report import as_pdf

HOSTILE = "<script>alert(1)</script>.example\u202e"


def made(name: str = HOSTILE) -> Comparison:
    names = {o.SHOP: name}
    return compared(
        side("<b>good", shop(names=names)), side("bad", shop(names=names, think=2.0)), datetime(2026, 1, 1, tzinfo=UTC)
    )


def test_the_cause_stands_first_and_text_from_the_wire_is_escaped() -> None:
    text = page(made())
    assert "The server is slower" in text
    assert text.index("The server is slower") < text.index("<table")
    assert "<script" not in text
    assert "<b>good" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "default-src &#39;none&#39;" in text
    for heading in (
        "The first packet where they part",
        "Where the same exchange differs",
        "What is in one capture only",
    ):
        assert heading in text
    assert text.count("<caption") >= 3


def test_two_alike_are_a_page_too() -> None:
    same = compared(side("a", shop()), side("b", shop()), datetime(2026, 1, 1, tzinfo=UTC))
    assert "Nothing tells b from a" in page(same)


def test_paper() -> None:
    data = as_pdf.from_page(page(made("www.shop.example"), paper=True))
    assert data.startswith(b"%PDF-")
    assert len(data) > 5000


def test_json_there_and_back() -> None:
    one = made()
    assert msgspec.json.decode(msgspec.json.encode(one), type=Comparison) == one
    assert "Comparison" in str(schema())
