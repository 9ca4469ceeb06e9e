"""The pages of the index: bounded, escaped, complete in their data."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from tests.batch.made import point, summary
from tests.batch.test_index import put
from tshark_report.batch import index, pages, place
from tshark_report.batch.across import Across
from tshark_report.batch.records import Failure, Paths, Seen

HOSTILE = '<script>alert(1)</script>"&\u202e=cmd'


def _write(output: place.Local, *, pdf: bool = False, left: int = 0) -> None:
    with Across() as across:
        made = index.gather(output, across, notes=["a <note>"], passed_over=1, left=left)
        assert pages.write(made, output, "2026-03-01T00:00:00.000000Z", pages.Look(ticket="INC-7"), pdf=pdf) is None


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """An output in which everything that comes from outside is hostile."""
    output = place.Local(str(tmp_path))
    for i in range(2):
        put(
            output,
            f"/c/{HOSTILE}{i}.pcap",
            summary(
                f"{i:016}",
                headline=HOSTILE,
                points=[point("203.0.113.9", HOSTILE)],
                findings={"high": 1},
                layer="application",
            ),
        )
        values = [Seen("user-agent", HOSTILE, 1.0, 2.0, 3, "high")]
        output.write(f"reports/x-{i:016}/{place.SEEN}", msgspec.json.encode(values))
    output.write(
        "failures/f.json", msgspec.json.encode(Failure(id="f", path=f"/c/{HOSTILE}", what=HOSTILE, detail=HOSTILE))
    )
    return tmp_path


def test_nothing_from_outside_becomes_markup_or_a_formula(hostile: Path) -> None:
    _write(place.Local(str(hostile)))
    for name in ("index.html", "across.html"):
        page = (hostile / name).read_text()
        assert "<script" not in page
        assert "\u202e" not in page
        assert "&lt;script&gt;" in page
        assert "default-src &#39;none&#39;" in page
    cells = [
        cell
        for name in ("index.csv", "across.csv")
        for row in csv.reader(io.StringIO((hostile / name).read_text()))
        for cell in row
    ]
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    data = json.loads((hostile / "index.json").read_text())
    assert data["captures"][0]["headline"] == HOSTILE, "data is raw"
    assert data["failures"][0]["what"] == HOSTILE
    assert data["stories"][0]["captures"] == 2
    assert data["across"][0]["value"] == HOSTILE


def test_links_lead_to_the_reports(hostile: Path) -> None:
    _write(place.Local(str(hostile)))
    page = (hostile / "index.html").read_text()
    assert 'href="reports/x-0000000000000000/report.html"' in page


def test_the_pdf(hostile: Path) -> None:
    pytest.importorskip("pikepdf")
    import pikepdf

    _write(place.Local(str(hostile)), pdf=True)
    with pikepdf.open(hostile / "index.pdf") as document:
        assert 1 <= len(document.pages) <= 3


def test_a_stopped_batch_says_so(tmp_path: Path) -> None:
    output = place.Local(str(tmp_path))
    put(output, "/c/a.pcap", summary("0" * 16))
    _write(output, left=7)
    assert "7 captures are not read yet" in (tmp_path / "index.html").read_text()
    _write(output)
    assert "not read yet" not in (tmp_path / "index.html").read_text()


def test_nothing_at_all(tmp_path: Path) -> None:
    _write(place.Local(str(tmp_path)))
    assert "no capture was found" in (tmp_path / "index.html").read_text()


def test_thousands_of_captures_in_pages_of_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _handle: None)
    number = 350
    monkeypatch.setattr(pages, "ROWS", 150)
    store = {}
    for i in range(number):
        made = summary(
            f"{i:016}", points=[point(f"203.0.113.{i % 250}", "x")], findings={"high": 1}, headline="h" * 200
        )
        store[f"reports/x-{i:016}/{place.SUMMARY}"] = msgspec.json.encode(made)
        store[f"reports/x-{i:016}/{place.PATHS}"] = msgspec.json.encode(Paths(at={f"/c/{i}.pcap": ""}))
        values = [Seen("name", f"n{j}.example", 1.0, 2.0, 1) for j in range(20)]
        store[f"reports/x-{i:016}/{place.SEEN}"] = msgspec.json.encode(values)

    class Shelf(place.Local):
        def listing(self, folder: str) -> list[str]:
            return sorted({k.split("/")[1] for k in store}) if folder == place.REPORTS else super().listing(folder)

        def read(self, path: str) -> bytes | None:
            return store.get(path) or super().read(path)

    output = Shelf(str(tmp_path))
    (tmp_path / "index-9.html").write_text("from a larger run")
    tracemalloc.start()
    _write(output)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found = sorted(p.name for p in tmp_path.glob("index*.html"))
    assert found == ["index-2.html", "index-3.html", "index.html"], "what a larger run left is gone"
    for name in found:
        assert (tmp_path / name).stat().st_size < 900_000
    links = [re.findall(r'class="path" href="([^"]+)"', (tmp_path / name).read_text()) for name in found]
    assert sum(map(len, links)) == number
    assert len({link for page in links for link in page}) == number
    assert len(json.loads((tmp_path / "index.json").read_text())["captures"]) == number
    assert peak < 3_000_000 + number * 25_000, (
        "memory grows with a small record a capture, not with what the captures hold"
    )
