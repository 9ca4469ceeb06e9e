"""WeasyPrint without the work that no page of ours needs.

Imported only where a PDF is made: WeasyPrint takes most of a second to import. What is done here leaves the PDF as it
is; where a version of WeasyPrint is built otherwise, nothing is done.
"""

from __future__ import annotations

import copy
import zlib
from functools import cache
from typing import Any
from xml.etree import ElementTree

import cssselect2
from weasyprint import CSS, HTML

from tshark_report.report.nothing_fetched import NothingFetched

WIDEST = 720
"""Points of the widest column or table that `widths` knows: more than a page has."""
_NOT_OURS = frozenset({"footnote-call", "footnote-marker", "note-call", "note-marker", "note-callback"})
"""Pseudo-elements that WeasyPrint's own style sheet gives to every element, and no page of ours has."""
_LISTED = frozenset({"li", "summary"})


class Page(HTML):  # type: ignore[misc]
    """A page of ours from its tree, styled without footnotes: five styles fewer for each element."""

    def __init__(self, page: str) -> None:
        """Read `page` by the standard library's XML parser: it is ten times as fast as the one for HTML.

        Raises:
            ElementTree.ParseError: it is not well-formed, as somebody's own templates need not be.
        """
        tree = ElementTree.fromstring(page)  # noqa: S314 - our own page; what is from the wire is escaped in it
        super().__init__(string="", url_fetcher=NothingFetched())
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(tree, content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[Any]:  # noqa: FBT001, FBT002 - WeasyPrint's signature
        return [_without_footnotes(one) for one in super()._ua_stylesheets(forms)]


@cache
def _without_footnotes(sheet: Any) -> Any:
    matcher = getattr(sheet, "matcher", None)
    if matcher is None or not hasattr(matcher, "other_selectors"):
        return sheet
    lighter = copy.copy(sheet)
    lighter.matcher = copy.copy(matcher)
    kept = [each for each in matcher.other_selectors if each[3] not in _NOT_OURS]
    lighter.matcher.other_selectors = [_of_list_items(each) if each[3] == "marker" else each for each in kept]
    return lighter


def _of_list_items(selector: tuple[Any, ...]) -> tuple[Any, ...]:
    """The selector `::marker` as `li::marker`, `summary::marker`: only these have one."""
    test, *rest = selector
    return (lambda element: element.local_name in _LISTED and test(element), *rest)


@cache
def widths() -> CSS:
    """A class for each width of a column, such as `w42pt`.

    Cells of equal classes share one computed style; a `style` attribute gives every one its own.
    """
    return CSS(string="".join(f".w{one}pt{{width:{one}pt}}" for one in range(1, WIDEST)), url_fetcher=NothingFetched())


def compressed(stream: Any) -> None:
    """Compress a stream of pydyf's by the usual level: its own, the highest, takes twice the time for 3 % less."""
    try:
        from pydyf import _to_bytes
    except ImportError:  # private to pydyf; without it the stream is written as pydyf does
        return
    if getattr(stream, "compress", False) and hasattr(stream, "stream") and hasattr(stream, "extra"):
        whole = b"\n".join(item if isinstance(item, bytes) else bytes(_to_bytes(item)) for item in stream.stream)
        stream.stream, stream.compress = [zlib.compress(whole)], False
        stream.extra["Filter"] = "/FlateDecode"
