"""Getting ready for a PDF while tshark works: what WeasyPrint does once, whatever the document."""

from __future__ import annotations

import contextlib

_SAMPLE = (
    '<html lang="en"><head><title>-</title></head><body><p>Aa1 <b>Aa1</b> <i>Aa1</i> <code>Aa1</code></p>'
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 9 9"><path d="M0 0h9v9z"/>'
    '<text x="0" y="9">a</text></svg><table><tr><td>1</td></tr></table></body></html>'
)


def up() -> None:
    """Load WeasyPrint, its libraries and the fonts, and make a page of one line: a second of work that need not wait.

    Never fails: where a library is missing, writing the report says so, in words.
    """
    with contextlib.suppress(ImportError, OSError):
        from tshark_report.report import as_pdf

        as_pdf.from_page(_SAMPLE)
