"""The report on paper: PDF/A-3 from the same HTML, tagged, with its evidence attached."""

from __future__ import annotations

import contextlib
import gc
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

from tshark_report.errors import RenderFailed
from tshark_report.report import as_html, formats, view
from tshark_report.report.escape import displayable
from tshark_report.report.model import Model, Report

if TYPE_CHECKING:
    from weasyprint import Document

    from tshark_report.report.brand import Brand

MOST_PAGES = 40
VARIANT = "pdf/a-3a"
"""PDF/A with attachments (3), tagged for screen readers (a)."""


class Attachment(Model, frozen=True, kw_only=True):
    """A file inside the PDF; `mime` such as `application/json`."""

    name: str
    mime: str
    data: bytes
    description: str


def render(
    report: Report,
    *,
    paper: Literal["A4", "Letter"] = "A4",
    attachments: Sequence[Attachment] = (),
    templates: Path | None = None,
    brand: Brand | None = None,
) -> bytes:
    """The PDF, at most 40 pages.

    Args:
        report: what to show.
        paper: size of the pages.
        attachments: files to put into the PDF, such as report.json and the evidence frames.
        templates: a folder with templates that take the place of ours.
        brand: logo and colours.

    Raises:
        RenderFailed: WeasyPrint or one of its libraries is missing, or it failed.
    """
    shown = displayable(report)
    caps = view.PAPER
    try:
        with _rare_collections():
            document = _lay_out(shown, caps, paper, templates, brand)
            for _ in range(4):
                if len(document.pages) <= MOST_PAGES:
                    break
                caps = caps.halved()
                document = _lay_out(shown, caps, paper, templates, brand)
            return _write(document, attachments, formats.parse_time(report.generated))
    except (ImportError, OSError) as error:
        raise _missing(error) from error


def _missing(error: Exception) -> RenderFailed:
    return RenderFailed(
        "PDF cannot be written: WeasyPrint or a library that it needs is missing",
        detail=str(error).splitlines()[0] if str(error) else type(error).__name__,
        causes=("Pango is not installed",),
        next_step="On Debian and Ubuntu: apt-get install libpangoft2-1.0-0 libharfbuzz-subset0",
    )


def from_page(page: str, *, paper: Literal["A4", "Letter"] = "A4") -> bytes:
    """The PDF of an HTML page of ours that is no report, such as the index of many.

    Raises:
        RenderFailed: WeasyPrint or one of its libraries is missing, or it failed.
    """
    try:
        with _rare_collections():
            return _write(_laid_out(page, paper))
    except (ImportError, OSError) as error:
        raise _missing(error) from error


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Few garbage collections: a layout is a great many live objects, and walking them takes a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(500_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _lay_out(report: Report, caps: view.Caps, paper: str, templates: Path | None, brand: Brand | None) -> Document:
    return _laid_out(as_html.page_of(report, paper=True, caps=caps, templates=templates, brand=brand), paper)


def _laid_out(page: str, paper: str) -> Document:
    from weasyprint import CSS, HTML

    from tshark_report.report import quicker
    from tshark_report.report.nothing_fetched import NothingFetched

    for name in ("weasyprint", "weasyprint.progress", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    size = CSS(string=f"@page {{ size: {paper} }}", url_fetcher=NothingFetched())
    try:
        parsed = quicker.Page(page)
    except ElementTree.ParseError:
        # Our templates are well-formed; somebody's own need not be.
        parsed = HTML(string=page, url_fetcher=NothingFetched())
    return parsed.render(stylesheets=[size, quicker.widths()], pdf_tags=True, pdf_variant=VARIANT)


def _write(document: Document, attachments: Sequence[Attachment] = (), made: datetime | None = None) -> bytes:
    """The PDF; its attachments were made when the report was."""
    from weasyprint import Attachment as PdfAttachment

    document.metadata.attachments = [
        PdfAttachment(
            string=one.data, name=one.name, description=one.description, relationship=_relationship(one), created=made,
            modified=made,
        )
        for one in attachments
    ]  # fmt: skip
    with warnings.catch_warnings():
        # WeasyPrint 70 leaves its colour profile open; with warnings as errors that would be noise on stderr.
        warnings.simplefilter("ignore", ResourceWarning)
        written = document.write_pdf(finisher=_types_of(attachments), pdf_tags=True, pdf_variant=VARIANT)
    if written is None:  # pragma: no cover  (only with a target)
        raise RenderFailed(
            "WeasyPrint wrote no PDF",
            detail="it ended without an error",
            causes=("its installation is damaged",),
            next_step="tshark-report doctor",
        )
    return bytes(written)


def _relationship(one: Attachment) -> str:
    """What PDF/A-3 asks of each attachment: the report's own data, or something added to it."""
    return "Data" if one.mime == "application/json" else "Supplement"


def _types_of(attachments: Sequence[Attachment]) -> Callable[[object, Any], None]:
    """A last step that writes our media types: WeasyPrint guesses by file name, and does not know pcapng."""

    def finish(_document: object, pdf: Any) -> None:
        # WeasyPrint 70 lists each attachment twice.
        listed = pdf.catalog.get("AF")
        if listed is not None:
            listed[:] = list(dict.fromkeys(listed))
        embedded = [one for one in pdf.objects if getattr(one, "extra", {}).get("Type") == "/EmbeddedFile"]
        for stream, attachment in zip(embedded, attachments, strict=False):
            name = re.sub(r"[^A-Za-z0-9.+-]", lambda match: f"#{ord(match.group()) & 255:02x}", attachment.mime)
            stream.extra["Subtype"] = f"/{name}"
        _written_once(pdf)

    return finish


def _written_once(pdf: Any) -> None:
    """Put each object in its bytes: pydyf would make them, and compress them, once for the file and once for its id.

    A version of pydyf that builds its objects otherwise writes them itself: the same PDF, only later.
    """
    from pydyf import Object

    from tshark_report.report import quicker

    class Bytes(Object):  # type: ignore[misc]
        data = b""
        compressible = False

    # Asked of the class, since an object's own `data` is worked out each time that it is looked at.
    if not all(hasattr(type(one), "data") and hasattr(one, "number") and hasattr(one, "free") for one in pdf.objects):
        return
    for place, one in enumerate(pdf.objects):
        if one.free != "f":
            quicker.compressed(one)
            made = Bytes()
            made.number, made.compressible, made.data = one.number, one.compressible, one.data
            pdf.objects[place] = made
