"""A corpus of hostile strings in every text of a report: the page keeps its shape, whatever the format."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from tests.report import sample
from tshark_report.report import as_html, as_json, as_markdown, indicators
from tshark_report.report.model import Report
from tshark_report.report.walk import map_text

CORPUS = {
    "markup": '<script>alert(1)</script><img src=x onerror=alert(1)>"><svg onload=alert(1)>',
    "attribute": "\" onmouseover=alert(1) x=\"' autofocus onfocus=alert(1) '",
    "comment": "--> <!-- ]]> </style></title></textarea><script>",
    "address": "javascript:alert(1) data:text/html,<b> vbscript:x file:///etc/passwd",
    "template": "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}#{7*7}<%= 7*7 %>",
    "style": "}</style>@import url(http://evil.example/);background:url(//evil.example)",
    "terminal": "\x1b[2J\x1b]0;title\x07\x1b]8;;http://evil.example\x07x\x1b]8;;\x07\x9b31m\x08\x7f",
    "direction": "invoice\u202egpj.exe\u2066\u2069\u200f\u061c",
    "formula": "=HYPERLINK(\"http://evil.example\";A1)\t+1|cmd|' /C calc'!A0",
    "cells": 'a"b,c;d\r\n=1+1\n@SUM(A1)\t-2',
    "markdown": "| a | b |\n|---|---|\n# head\n```\n[x](javascript:alert(1)) ![y](//evil.example) @team #1 `\\`",
    "filter": '" || frame || ip.addr == "0.0.0.0/0',
    "null": "a\x00b\x00",
    "surrogate": "\ud800\udfff\ud83d",
    "long": "A" * 65_536,
    "path": "../../../../etc/passwd\\..\\..\\windows\\win.ini\x00.png",
    "device": "CON", "device with suffix": "NUL.txt:stream", "dots": "..", "spaces": " \t\u00a0\u3000 ",
    "combining": "z" + "\u0300" * 500,
    "tags": "\U000e0041\U000e0042\ufeff\u2028\u2029\ufff9\ufffb",
    "entities": "&lt;script&gt;&#x3c;b&#x3e;&amp;&nbsp&notit;",
    "shell": "$(touch x)`touch x`;touch x&&touch x|touch x\n-rf /",
}  # fmt: skip


class Shape(HTMLParser):
    """Elements and their attributes, and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[tuple[str, str]] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements |= {(tag, ""), *((tag, name) for name, _ in attrs)}
        self.links |= {(value or "").split(":")[0][:12] for name, value in attrs if name in ("href", "src", "action")}


def shape(page: str) -> Shape:
    made = Shape()
    made.feed(page)
    return made


def filled(text: str) -> Report:
    return map_text(sample.incident(), lambda _: text)


USUAL = shape(as_html.render(sample.incident()))
HARMLESS = shape(as_html.render(filled("harmless")))


@pytest.mark.parametrize("name", CORPUS)
def test_a_page_has_no_element_attribute_or_link_of_theirs(name: str) -> None:
    page = as_html.render(filled(CORPUS[name]))
    made = shape(page)
    assert made.elements <= USUAL.elements | HARMLESS.elements
    assert {link for link in made.links if not link.startswith("#")} <= {
        link for link in USUAL.links | HARMLESS.links if not link.startswith("#")
    }
    hidden = {char for char in page if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set(
        "\n\t\xad\u200b"
    )
    assert not hidden, [f"U+{ord(char):04X}" for char in hidden]
    assert len(page) < 2_000_000
    page.encode()


@pytest.mark.parametrize("name", CORPUS)
def test_markdown_json_and_csv_hold_it_as_text(name: str) -> None:
    report = filled(CORPUS[name])
    page = as_markdown.render(report)
    kinds = {
        token.type
        for block in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(page)
        for token in (block, *(block.children or []))
    }
    assert not kinds & {"html_inline", "html_block", "image"}
    assert not any(unicodedata.category(char) == "Cc" and char != "\n" for char in page)
    data = as_json.render(report)
    json.loads(data)
    (data if isinstance(data, bytes) else data.encode()).decode("utf-8")
    rows = list(csv.reader(io.StringIO(indicators.to_csv(report))))
    assert len({len(row) for row in rows}) == 1, "every row has the columns of the head"
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))]
