"""Text from the wire can change nothing around it, in any format."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.report.sample import HOSTILE
from tshark_report.report import escape

anything = st.text(st.characters(codec=None), max_size=60)
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@given(anything)
def test_visible_leaves_nothing_hidden(text: str) -> None:
    shown = escape.visible(text)
    assert not [char for char in shown if unicodedata.category(char) in HIDDEN and char not in "\n\t"]
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Grüße, 日本語, привет", "plain, Grüße, 日本語, привет"),
        ("a\u202egpj.exe", "a[U+202E]gpj.exe"),
        ("\x1b[31m", "[U+001B][31m"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("no\u00a0break", "no break"),
        ("\ud800", "[U+D800]"),
        ("e\u0301", "e\u0301"),
        ("z" + "\u0300" * 5, "z\u0300\u0300\u0300[U+0300][U+0300]"),
        ("\U000e0041tag", "[U+E0041]tag"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert escape.visible(text) == shown


def _tokens(text: str) -> list[Token]:
    flat: list[Token] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        flat += [token, *(token.children or [])]
    return flat


@given(anything)
def test_markdown_is_only_text(text: str) -> None:
    kinds = {token.type for token in _tokens(escape.markdown(text))}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(anything)
def test_markdown_code_holds_its_text(text: str) -> None:
    codes = [token.content for token in _tokens("x " + escape.markdown_code(text)) if token.type == "code_inline"]
    shown = escape.one_line(escape.visible(text)).replace("|", "\\|")
    assert [code.strip() for code in codes] == [shown.strip()]


def test_markdown_makes_no_link_and_no_mention() -> None:
    text = escape.markdown("http://evil.example/ HTTPS://x www.evil.example @team a@b.example #12 javascript:alert(1)")
    assert "http://" not in text.lower()
    assert "https://" not in text.lower()
    assert "www.evil" not in text
    assert "@team" not in text
    assert "#12" not in text


def test_markdown_hostile_in_a_table_stays_in_its_cell() -> None:
    page = f"| a | b |\n| --- | --- |\n| {escape.markdown(HOSTILE)} | {escape.markdown_code(HOSTILE)} |\n"
    assert sum(1 for token in _tokens(page) if token.type == "td_open") == 2
    assert not [token for token in _tokens(page) if token.type in ("html_inline", "html_block", "link_open", "image")]


@pytest.mark.parametrize(
    "text", ["{color:red}x", "*bold*", "!http://x/y.png!", "[~admin]", "|a|", "{noformat}", "h1. x"]
)
def test_jira_breaks_markup(text: str) -> None:
    shown = escape.jira(text)
    for mark in ("{", "[", "!", "|", "*"):
        assert f"{mark}" not in shown.replace(f"\\{mark}", "")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\uff1d1"])
def test_csv_formula_gets_an_apostrophe(text: str) -> None:
    assert escape.csv_cell(text).startswith("'")


def test_csv_plain_text_stays() -> None:
    assert escape.csv_cell("10.1.2.3") == "10.1.2.3"


@given(anything)
def test_terminal_is_one_inert_line(text: str) -> None:
    shown = escape.terminal(text)
    assert "\n" not in shown
    assert "\x1b" not in shown


def test_clipped_says_how_long_it_was() -> None:
    assert escape.clipped("a" * 5000, 10) == "aaaaaaaaaa... [cut, 5,000 characters]"
