"""Files of indicators, told apart by what is in them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report.focus import read_lists
from tshark_report.focus.read_lists import ReadList


def _read(tmp_path: Path, text: str | bytes, name: str = "iocs.txt") -> ReadList:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_lists.read(path)


def _values(made: ReadList) -> set[tuple[str, str]]:
    return {(i.kind, i.value) for i in made.indicators}


def test_one_a_line(tmp_path: Path) -> None:
    made = _read(
        tmp_path,
        "# list\n203[.]0[.]113[.]9\n- shop.example # a remark\n\nMozilla/5.0 (X11; Linux)\n203.0.113.9\nuser:anna\n",
    )
    assert _values(made) == {
        ("address", "203.0.113.9"),
        ("name", "shop.example"),
        ("user-agent", "Mozilla/5.0 (X11; Linux)"),
        ("user", "anna"),
    }
    assert made.indicators[0].source == "iocs.txt, line 2"
    assert not made.notes


def test_text_of_a_mail(tmp_path: Path) -> None:
    made = _read(
        tmp_path, "Hello,\n\nplease block hxxp://evil[.]example/gate.php and 203[.]0[.]113[.]9.\nThanks\nBen\n"
    )
    assert _values(made) == {("url", "http://evil.example/gate.php"), ("address", "203.0.113.9")}


@pytest.mark.parametrize(
    "text",
    [
        "type,value,comment\nip,203.0.113.9,server\ndomain,shop.example,\n",
        "Indicator;Type;Description\n203.0.113.9;ip;server\nshop.example;domain;\n",
        '"ip_address"\t"domain"\n203.0.113.9\tshop.example\n',
        "# first,last\n# ip,domain\n203.0.113.9,shop.example\n",
        "ioc\n203[.]0[.]113[.]9\nshop[.]example\n",
    ],
)
def test_csv(tmp_path: Path, text: str) -> None:
    made = _read(tmp_path, text)
    assert made.how == "CSV"
    assert _values(made) == {("address", "203.0.113.9"), ("name", "shop.example")}


def test_csv_keeps_the_note_and_counts_what_does_not_fit(tmp_path: Path) -> None:
    made = _read(tmp_path, "type,value,note\nip,203.0.113.9,first seen\nip,not an address,\nmutex,Global x,\n")
    assert made.indicators[0].note == "first seen"
    assert made.indicators[0].source == "iocs.txt, line 2"
    assert any("2 entries" in note for note in made.notes)


def test_our_own_indicator_csv(tmp_path: Path) -> None:
    from tshark_report.pipeline import Request, build
    from tshark_report.report.indicators import to_csv, to_stix

    report = build(Request(fixture_capture("staged_incident")))
    wanted = {i.value for i in report.indicators if i.type in ("ipv4", "domain", "url", "sha256")}
    assert len(wanted) > 3
    for text, name in ((to_csv(report), "own.csv"), (to_stix(report), "own.json")):
        assert wanted <= {i.value for i in _read(tmp_path, text, name).indicators}, name


def test_packed_and_other_encodings(tmp_path: Path) -> None:
    assert _values(_read(tmp_path, gzip.compress(b"shop.example\n"), "l.gz")) == {("name", "shop.example")}
    assert _values(_read(tmp_path, "shop.example\r\n".encode("utf-16"), "l16.txt")) == {("name", "shop.example")}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + bytes(range(32)) * 40, "is no text"),
        (b"<?xml version='1.0'?><ioc/>", "XML"),
        (b'{"objects": ', "cannot be read"),
        (b"nothing to see\nin here\n", "nothing that was recognised"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    made = _read(tmp_path, data)
    assert not made.indicators
    assert said in " ".join(made.notes)


def test_missing_file(tmp_path: Path) -> None:
    made = read_lists.read(tmp_path / "none.txt")
    assert made.notes == ["none.txt does not exist: it was not used."]


def test_long_lists_are_cut_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_lists, "MOST", 2)
    made = _read(tmp_path, "a.example\nb.example\nc.example\n")
    assert len(made.indicators) == 2
    assert "the first 2 were looked for" in made.notes[0]
