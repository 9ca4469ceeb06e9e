"""What made the reader look, in a ticket."""

from __future__ import annotations

import pytest

from tests.focus import sample as focused
from tests.report import sample
from tshark_report.report import as_markdown


@pytest.mark.parametrize("flavour", ["github", "jira"])
def test_it_stands_before_the_starting_points(flavour: str) -> None:
    text = as_markdown.render(focused.report(), flavour=flavour)  # type: ignore[arg-type]
    assert text.index("What made you look") < text.index("Where to start\n")
    assert "ip.addr == 203.0.113.66" in text
    assert "http://bad.example" not in text
    assert "Not in this capture" in text
    assert "no login is in clear" in text
    assert len(text) <= as_markdown.LONGEST[flavour]


def test_nothing_where_nothing_was_asked() -> None:
    assert "What made you look" not in as_markdown.render(sample.incident())


def test_an_empty_one() -> None:
    text = as_markdown.render(focused.nothing())
    assert "203.0.113.8 is not in this capture." in text
