"""What the rules of this family share: requests with their answers, and which files count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import builders as b
from tests.rules.delivery import wire
from tshark_report.rules.base import Context
from tshark_report.rules.delivery import _deliveries, _grading, _http
from tshark_report.rules.delivery._delivery import Delivery
from tshark_report.settings import Settings


def _context(tables) -> Context:
    return Context(Settings(), {}, tables)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("Shop.Example:8080", "shop.example"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        (None, ""),
        ("10.0.0.1:", "10.0.0.1"),
    ],
)
def test_host_names_without_their_port(host: str | None, expected: str) -> None:
    made = _http.exchanges(b.tables(http=b.family("http", {"method": "GET", "uri": "/", "host": host})))
    assert made["host"].to_list() == [expected]


def test_answers_are_paired_by_number_or_by_place() -> None:
    there, back = {"src": "10.0.0.5", "dst": "203.0.113.9"}, {"src": "203.0.113.9", "dst": "10.0.0.5"}
    http = b.family(
        "http",
        there | {"method": "GET", "uri": "/a"}, there | {"method": "GET", "uri": "/b"}, back | {"status": 100},
        back | {"status": 200, "request_frame": 1}, back | {"status": 404}, there | {"method": "GET", "uri": "/c", "stream": 1},
        b.PACKET_DEFAULTS and {"method": "M-SEARCH", "uri": "*", "protocol": "SSDP"},
    )  # fmt: skip
    made = _http.exchanges(b.tables(http=http))
    assert made.select("uri", "status", "first", "next_frame").rows() == [
        ("/a", 200, True, 2), ("/b", 404, False, None), ("/c", None, True, None)
    ]  # fmt: skip


def test_an_answer_that_was_not_put_together_is_read_from_the_opening() -> None:
    http = b.family(
        "http",
        {"method": "GET", "uri": "/a"},
        {"method": "GET", "uri": "/b", "stream": 1},
        {"method": "GET", "uri": "/c", "stream": 2},
    )
    head = b"HTTP/1.1 302 Found\r\nContent-Type: text/html\r\nContent-Length: 12\r\nLocation: /x\r\nContent-Encoding: gzip\r\nContent-Disposition: inl"
    down = {"src": "203.0.113.9", "dst": "10.0.0.5"}
    openings = b.openings(
        down | {"frame": 9, "data": head},
        down | {"frame": 9, "stream": 1, "data": b"HTTP/1.1 odd"},
        down | {"frame": 1, "stream": 2, "data": head},
    )
    rows = _http.exchanges(b.tables(http=http, openings=openings)).to_dicts()
    assert (rows[0]["status"], rows[0]["content_type"], rows[0]["length"], rows[0]["location"], rows[0]["encoding"]) == (
        302, "text/html", 12, "/x", "gzip"
    )  # fmt: skip
    assert rows[0]["file_name"] is None
    assert rows[1]["status"] is None
    assert rows[2]["status"] is None


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b'attachment; filename="a b.exe"', "a b.exe"),
        (b"attachment; filename=a.exe; size=3", "a.exe"),
        (b"attachment; filename*=UTF-8''a.exe", "a.exe"),
        (b"inline", None),
    ],
)
def test_file_names_of_answers(value: bytes, name: str | None) -> None:
    answer = _http.read_answer(
        b"HTTP/1.0 200 OK\r\nContent-Disposition: " + value + b"\r\nContent-Length: x\r\n\r\nbody"
    )
    assert answer is not None
    assert answer.file_name == name
    assert answer.length is None


@pytest.mark.parametrize(
    ("host", "uri", "key"),
    [
        ("A.example:8080", "/x?y", "a.example/x?y"),
        ("proxy", "http://b.example:80/x", "b.example/x"),
        (None, "http://b.example", "b.example/"),
        ("2001:db8::1", "/x", "2001:db8::1/x"),
        (None, None, "/"),
    ],
)
def test_keys_of_pages(host: str | None, uri: str | None, key: str) -> None:
    assert _http.url_key(host, uri) == key


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://u@a.example:80/x", "a.example"),
        ("//b.example/x", "b.example"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("/x", ""),
        (None, ""),
    ],
)
def test_hosts_of_links(url: str | None, host: str) -> None:
    assert _http.host_of(url) == host


def test_paths() -> None:
    assert _http.path_of("http://a.example/x/y?z#w") == "/x/y"
    assert _http.path_of("http://a.example") == "/"


def test_asked_twice_the_work_is_done_once() -> None:
    made = wire.download()
    context = _context(made)
    assert _http.exchanges(made) is _http.exchanges(made)
    assert _deliveries.deliveries(made) is _deliveries.deliveries(made)
    assert _grading.graded(made, context) is _grading.graded(made, context)
    assert _grading.graded(wire.download(), context) is not _grading.graded(made, context)


def test_files_without_hosts_tell_nothing() -> None:
    files = b.files(
        {"frame": None, "detected_type": "Windows executable (PE)"},
        {"source": "", "detected_type": "Windows executable (PE)"},
    )
    assert not _deliveries.deliveries(b.tables(files=files))


def test_a_file_whose_request_is_missing_keeps_its_name() -> None:
    files = b.files({"detected_type": "Windows executable (PE)", "uri": "/a.exe", "host": "h.example"})
    made = _deliveries.deliveries(b.tables(files=files))[0]
    assert made.url == "http://h.example/a.exe"
    assert made.asked_frame is None


def test_a_program_that_is_exported_is_not_told_again_from_its_stream() -> None:
    made = wire.download()
    hit = {
        "src": wire.OUTSIDE,
        "dst": wire.CLIENT,
        "src_port": 80,
        "frame": 6,
        "kind": "mz-header",
        "context": wire.pe()[:99],
    }
    tables = b.tables(http=made.http, files=made.files, packets=made.packets, signatures=b.signatures(hit))
    assert len(_deliveries.deliveries(tables)) == 1


def test_files_over_smb_are_left_to_others() -> None:
    assert not _deliveries.deliveries(
        b.tables(files=b.files({"protocol": "smb", "detected_type": "Windows executable (PE)"}))
    )


@pytest.mark.parametrize(
    ("columns", "url"),
    [
        ({"host": "a.example"}, "http://a.example/x"),
        ({"host": "", "port": 8080}, "http://203.0.113.9:8080/x"),
        ({"host": "2001:db8::1"}, "http://[2001:db8::1]/x"),
        ({"host": "a.example", "uri": "http://b.example/y"}, "http://b.example/y"),
        ({"protocol": "ftp"}, "n"),
    ],
)
def test_where_a_file_was_asked_for(columns: dict, url: str) -> None:
    base = {
        "category": "program", "what": "w", "name": "n", "protocol": "http", "source": "203.0.113.9", "destination": "10.0.0.5", "port": 80,
        "transport": "tcp", "stream": 0, "frame": 1, "time": 0.0, "first_frame": None, "last_frame": None, "uri": "/x",
    }  # fmt: skip
    assert Delivery(**base | columns).url == url


def test_sizes_in_words(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/a", wire.OUTSIDE, wire.pe(), extra={"Transfer_Encoding": "chunked"})[:5]
    made = loaded(wire.write(tmp_path / "a.pcap", frames)).tables
    assert [(d.complete, d.what) for d in _deliveries.deliveries(made)] == [(False, "executable (MZ, Windows PE)")]
    unknown = Delivery("program", "w", "n", "tcp", "a", "b", 1, "tcp", 0, 1, 0.0, None, None)
    assert _grading.amount(unknown) == "of unknown size"
    from dataclasses import replace

    assert "does not hold all" in _grading.amount(replace(unknown, complete=False))
    assert _grading.amount(replace(unknown, size=1200)) == "1,200 bytes"
