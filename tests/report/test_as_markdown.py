"""Markdown for a ticket."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.report import sample
from tshark_report.report import as_markdown


def _tokens(text: str) -> list[Token]:
    flat: list[Token] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        flat += [token, *(token.children or [])]
    return flat


def test_says_where_to_start() -> None:
    text = as_markdown.render(sample.incident())
    assert text.startswith("## Alert on DESK-17: unusual upload\n")
    assert "#### 1. 10.1.2.3 fetched a program under a false name" in text
    assert "```\nip.addr == 10.1.2.3 && ip.addr in {198.51.100.23, 203.0.113.66, 203.0.113.99}\n```" in text
    assert "**Harmless if:**" in text
    assert "8 of 9 rows" not in text
    assert "10 of 14 rows shown." in text


def test_nothing_stands_out() -> None:
    assert (
        "Nothing in this capture stands out; 3 checks could not be made, 8 checks found nothing."
        in as_markdown.render(sample.quiet())
    )


def test_hostile_text_is_inert() -> None:
    tokens = _tokens(as_markdown.render(sample.hostile()))
    assert not [one for one in tokens if one.type in ("html_inline", "html_block", "link_open", "image", "s_open")]
    plain = _tokens(as_markdown.render(sample.incident()))
    # The hostile one is cut further, so that it fits: a part of each is compared.
    for kind in ("table_open", "fence", "heading_open"):
        assert 0 < _count(tokens, kind) <= _count(plain, kind), kind


def _count(tokens: list[Token], kind: str) -> int:
    return sum(1 for token in tokens if token.type == kind)


def test_jira() -> None:
    text = as_markdown.render(sample.incident(), flavour="jira")
    assert text.startswith("h2. Alert on DESK-17")
    assert "{noformat}\nip.addr == 10.1.2.3" in text
    assert "||Frame||Name||" in text


@pytest.mark.parametrize("flavour", ["github", "jira"])
@pytest.mark.parametrize("name", sorted(sample.ALL))
def test_any_report_renders_within_a_ticket(name: str, flavour: str) -> None:
    text = as_markdown.render(sample.ALL[name](), flavour=flavour)  # type: ignore[arg-type]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) <= as_markdown.LONGEST[flavour]
