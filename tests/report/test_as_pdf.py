"""The PDF, read back."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from tests.report import sample
from tshark_report.report import as_json, as_pdf, indicators, warm
from tshark_report.report.nothing_fetched import NothingFetched

ATTACHED = [
    as_pdf.Attachment(name="report.json", mime="application/json", data=b"", description="The report as data"),
    as_pdf.Attachment(name="indicators.csv", mime="text/csv", data=b"a,b\r\n", description="Indicators"),
    as_pdf.Attachment(
        name="evidence.pcapng", mime="application/x-pcapng", data=b"\x0a\x0d\x0d\x0a", description="Evidence"
    ),
]


@pytest.fixture(scope="module")
def incident() -> bytes:
    report = sample.incident()
    attached = [
        sample.change(ATTACHED[0], data=as_json.render(report)),
        sample.change(ATTACHED[1], data=indicators.to_csv(report).encode()),
        ATTACHED[2],
    ]
    return as_pdf.render(report, attachments=attached)


def _text(data: bytes, tmp_path: Path) -> str:
    (tmp_path / "x.pdf").write_bytes(data)
    done = subprocess.run(["pdftotext", "-layout", str(tmp_path / "x.pdf"), "-"], capture_output=True, check=True)
    return done.stdout.decode()


def test_pages_text_and_running_header(incident: bytes, tmp_path: Path) -> None:
    pages = _text(incident, tmp_path).split("\f")[:-1]
    assert 5 <= len(pages) <= 14
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert "INC-4711 · TLP:AMBER" in page
        assert f"SHA-256 {sample.HASH[:16]}" in page
    first = " ".join(pages[0].split())
    assert "Start with 10.1.2.3" in first
    assert "Harmless if" in first
    assert sample.HASH in first
    assert "Timeline" in first


def test_attachments_come_back_whole(incident: bytes) -> None:
    with pikepdf.open(io.BytesIO(incident)) as pdf:
        assert sorted(pdf.attachments) == ["evidence.pcapng", "indicators.csv", "report.json"]
        data = pdf.attachments["report.json"].get_file().read_bytes()
        assert as_json.load(data) == sample.incident()
        assert pdf.attachments["evidence.pcapng"].get_file().read_bytes() == ATTACHED[2].data
        for one in ATTACHED:
            assert pdf.attachments[one.name].get_file().mime_type == one.mime
            assert pdf.attachments[one.name].description == one.description
        assert [str(spec.UF) for spec in pdf.Root.AF] == ["report.json", "indicators.csv", "evidence.pcapng"]
        assert all(spec.AFRelationship in ("/Data", "/Supplement") for spec in pdf.Root.AF)


def test_what_pdf_a_asks_for_as_far_as_pikepdf_shows(incident: bytes) -> None:
    """ISO 19005-3: clauses 6.1.3 (trailer), 6.2.3 (output intent), 6.2.11 (fonts), 6.5 (actions), 6.8 (files), 6.3."""
    with pikepdf.open(io.BytesIO(incident)) as pdf:
        assert not pdf.is_encrypted
        assert len(pdf.trailer.ID) == 2
        intent = pdf.Root.OutputIntents[0]
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.read_bytes()[36:40] == b"acsp"
        for spec in pdf.Root.AF:
            assert {"/F", "/UF", "/EF", "/AFRelationship", "/Desc"} <= set(spec.keys())
            assert {"/Subtype", "/Params"} <= set(spec.EF.F.keys())
            assert "/ModDate" in spec.EF.F.Params
        for page in pdf.pages:
            assert "/StructParents" in page
            for font in page.Resources.get("/Font", {}).values():
                described = font.get("/DescendantFonts", [font])[0].FontDescriptor
                assert {"/FontFile2", "/FontFile3"} & set(described.keys())
                assert "/ToUnicode" in font
            for note in page.get("/Annots", []):
                assert int(note.F) & 4, "annotations must print"
        kinds = {str(one.get("/S")) for one in pdf.objects if isinstance(one, pikepdf.Dictionary)}
        assert not kinds & {"/JavaScript", "/Launch", "/URI", "/SubmitForm", "/ImportData", "/Movie", "/Sound"}
        assert "/OpenAction" not in pdf.Root
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)


def test_tagged_pdf_a_with_metadata_and_bookmarks(incident: bytes) -> None:
    with pikepdf.open(io.BytesIO(incident)) as pdf:
        with pdf.open_metadata() as metadata:
            assert metadata.pdfa_status == "3A"
            assert metadata["dc:title"] == "INC-4711: Alert on DESK-17: unusual upload"
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == "en"
        kinds = _kinds(pdf.Root.StructTreeRoot)
        for kind in ("/H1", "/H2", "/H3", "/Table", "/TH", "/TD", "/Caption", "/Figure", "/L"):
            assert kind in kinds, kind
        assert all(_alternatives(pdf.Root.StructTreeRoot))
        with pdf.open_outline() as outline:
            titles = [item.title for item in outline.root]
            assert "Where to start" in titles
            assert "Checks made and not made" in titles


def _children(node: Any) -> list[Any]:
    kids = node.get("/K")
    if kids is None:
        return []
    found = list(kids) if isinstance(kids, pikepdf.Array) else [kids]
    return [kid for kid in found if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]


def _kinds(node: Any) -> set[str]:
    found = {str(node.get("/S"))}
    for kid in _children(node):
        found |= _kinds(kid)
    return found


def _alternatives(node: Any) -> list[str]:
    """The alternative text of every figure."""
    found = [str(node.get("/Alt", ""))] if str(node.get("/S")) == "/Figure" else []
    for kid in _children(node):
        found += _alternatives(kid)
    return found


def test_letter(tmp_path: Path) -> None:
    with pikepdf.open(io.BytesIO(as_pdf.render(sample.quiet(), paper="Letter"))) as pdf:
        assert [round(float(side)) for side in pdf.pages[0].mediabox] == [0, 0, 612, 792]


@pytest.mark.parametrize("name", ["huge", "hostile"])
def test_at_most_forty_pages(name: str, tmp_path: Path) -> None:
    data = as_pdf.render(sample.ALL[name]())
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) <= as_pdf.MOST_PAGES
    assert len(data) < 3_000_000


def test_at_most_forty_pages_where_all_findings_stand_under_starting_points() -> None:
    report = sample.huge()
    ids = [one.id for one in report.findings]
    points = [
        sample.change(
            report.starting_points[0], rank=n + 1, subject=f"10.0.0.{n + 1}", findings=ids[n * 80 : n * 80 + 80]
        )
        for n in range(5)
    ]
    data = as_pdf.render(sample.change(report, starting_points=points))
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) <= as_pdf.MOST_PAGES


def test_page_that_is_no_xml_is_read_as_html(tmp_path: Path) -> None:
    """Templates of users need not be well-formed."""
    page = "<!DOCTYPE html><html lang=en><title>t</title><body><p>one<br>two &nbsp; &copy; three<ul><li>four"
    text = _text(as_pdf.from_page(page), tmp_path)
    assert [word for word in ("one", "two", "three", "four") if word in text] == ["one", "two", "three", "four"]


def test_objects_are_put_into_bytes_once_and_stay_what_they_were() -> None:
    first, second = as_pdf.render(sample.quiet()), as_pdf.render(sample.quiet())
    assert len(first) == len(second)
    with pikepdf.open(io.BytesIO(first)) as pdf:
        assert not pdf.check_pdf_syntax()
        assert all(bytes(page.Contents.read_bytes()).count(b"BDC") for page in pdf.pages)


def test_warming_up_leaves_nothing_and_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    warm.up()

    def missing(_page: str) -> bytes:
        raise OSError("cannot load library 'pango'")

    monkeypatch.setattr(as_pdf, "from_page", missing)
    warm.up()


def test_nothing_is_fetched() -> None:
    for url in ("file:///etc/passwd", "http://localhost/", "data:text/html,x"):
        with pytest.raises(ValueError, match="nothing is fetched"):
            NothingFetched().fetch(url)


def test_styles_left_out_and_compression_leave_the_pages_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what makes it quicker the PDF shows the same, page for page."""
    from tshark_report.report import quicker

    quick = as_pdf.render(sample.quiet())
    monkeypatch.setattr(quicker, "_without_footnotes", lambda sheet: sheet)
    monkeypatch.setattr(quicker, "compressed", lambda stream: None)
    plain = as_pdf.render(sample.quiet())
    with pikepdf.open(io.BytesIO(quick)) as first, pikepdf.open(io.BytesIO(plain)) as second:
        assert len(first.pages) == len(second.pages)
        for one, other in zip(first.pages, second.pages, strict=True):
            assert one.Contents.read_bytes() == other.Contents.read_bytes()
            assert one.Contents.Filter == other.Contents.Filter == "/FlateDecode"


def test_low_findings_are_in_short_beside_louder_ones_and_whole_where_they_are_all(tmp_path: Path) -> None:
    report = sample.incident()
    quieter = [sample.change(one, priority="low") for one in report.findings]
    loud = _text(as_pdf.render(report), tmp_path)
    points = [sample.change(point, priority="low") for point in report.starting_points]
    quiet = _text(as_pdf.render(sample.change(report, findings=quieter, starting_points=points)), tmp_path)
    assert quiet.count("Next steps") >= loud.count("Next steps") > 0
    beside = sample.change(report, findings=quieter)
    assert _text(as_pdf.render(beside), tmp_path).count("Next steps") == 0
