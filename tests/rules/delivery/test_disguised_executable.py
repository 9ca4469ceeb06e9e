"""DEL001: a program under a name or type that says otherwise; quiet where name, type and content agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.disguised_executable import disguised_executable


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"uri": "/i/logo.gif", "kind": "image/gif"}, "the name ends in .gif and it is declared as image/gif"),
        ({"uri": "/i/logo.gif"}, "the name ends in .gif"),
        ({"uri": "/download", "kind": "image/png"}, "it is declared as image/png"),
        (
            {"uri": "/page.html", "kind": "text/html", "body": wire.elf()},
            "the name ends in .html and it is declared as text/html",
        ),
        ({"uri": "/x", "kind": "text/html"}, "it is declared as text/html"),
        ({"uri": "/invoice.pdf.exe"}, "the name invoice.pdf.exe has two endings"),
        ({"uri": "/invoice%E2%80%AEfdp.exe"}, "turns the writing direction"),
        ({"uri": "/a.jpg", "body": wire.POWERSHELL, "kind": "text/plain"}, "the name ends in .jpg"),
        ({"uri": "/a", "body": wire.LNK, "kind": "image/jpeg"}, "it is declared as image/jpeg"),
    ],
)
def test_fires_on_a_label_that_the_content_contradicts(columns: dict[str, Any], said: str) -> None:
    found = b.drafts(disguised_executable, wire.download(**columns))
    assert len(found) == 1
    assert said in found[0].summary
    assert found[0].hosts == (wire.CLIENT, wire.OUTSIDE)
    assert found[0].subject.startswith(f"{wire.CLIENT} fetched ")
    assert found[0].subject.endswith(f" from {wire.OUTSIDE}")
    assert found[0].summary.startswith(f"{wire.CLIENT} fetched ")
    assert found[0].sentence.startswith(f"{wire.CLIENT} fetched ")
    assert found[0].priority == "high"


@pytest.mark.parametrize(
    "columns",
    [
        {"uri": "/setup.exe", "kind": "application/x-msdownload"},
        {"uri": "/setup.exe", "kind": "text/html"},
        {"uri": "/setup.exe", "kind": "text/plain"},
        {"uri": "/download.php?f=logo.gif"},
        {"uri": "/logo.gif", "kind": "image/gif", "body": wire.GIF},
        {"uri": "/logo.gif", "kind": "text/html", "body": wire.PAGE},
        {"uri": "/report.docx", "kind": "application/zip", "body": wire.archive(**{"[Content_Types]__xml": b"a", "word/vbaProject__bin": b"x"})},
        {"uri": "/tool", "kind": "application/octet-stream", "body": wire.elf()},
        {"uri": "/app.zip", "kind": "application/zip", "body": wire.archive(**{"AndroidManifest__xml": b"a"})},
        {"uri": "/run.sh", "kind": "text/plain", "body": wire.SHELL},
    ],
)  # fmt: skip
def test_quiet_where_label_and_content_agree(columns: dict[str, Any]) -> None:
    assert not b.drafts(disguised_executable, wire.download(**columns))


def test_a_script_under_a_false_name_needs_one_more_sign() -> None:
    label = {"uri": "/a.jpg", "body": wire.SHELL, "kind": "text/plain"}
    assert wire.graded(disguised_executable, **label, referer="http://www.vendor.example/") == "medium"
    assert wire.graded(disguised_executable, **label, host=wire.OUTSIDE) == "high"


def test_an_updater_is_medium() -> None:
    assert wire.graded(disguised_executable, uri="/part.txt", agent="VendorUpdater/5.1") == "medium"
    assert wire.graded(disguised_executable, uri="/part.txt", agent="VendorUpdater/5.1", host=wire.OUTSIDE) == "high"


def test_files_of_one_server_are_one_finding() -> None:
    found = b.drafts(disguised_executable, wire.downloads(*({"uri": f"/{n}.png"} for n in range(30))))
    assert len(found) == 1
    assert found[0].evidence.total_rows == 30
    assert "29 more of the kind" in found[0].summary
    assert found[0].display_filter.count("tcp.stream") == 25


def test_a_name_that_the_server_gives() -> None:
    made = wire.download(uri="/get", host="www.vendor.example")
    head = b'HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename="plan.pdf"\r\n\r\n'
    opening = {"src": wire.OUTSIDE, "dst": wire.CLIENT, "frame": 5, "data": head}
    found = b.drafts(
        disguised_executable,
        b.tables(http=made.http, files=made.files, packets=made.packets, openings=b.openings(opening)),
    )
    assert "the server calls it plan.pdf" in found[0].summary


def test_files_over_ftp() -> None:
    files = b.files({"name": "a.jpg", "protocol": "ftp", "detected_type": "Windows executable (PE)", "uri": ""})
    assert b.drafts(disguised_executable, b.tables(files=files))[0].priority == "high"


def test_a_capture_that_ends_within_the_file(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(
        0, "/images/cursor.png", wire.OUTSIDE, wire.pe(40_000), "image/png", agent="WinHTTP loader/1.0"
    )
    other = wire.fetched(3, "/a.png", "www.shop.example", wire.GIF, "image/png", client_port=40001)
    found = wire.exact(disguised_executable, loaded, wire.write(tmp_path / "a.pcap", frames[:-12], other))
    assert len(found) == 1
    assert "40,000 bytes announced, of which the capture does not hold all" in found[0].summary


def test_the_incident(loaded) -> None:
    found = wire.exact(disguised_executable, loaded, fixture_capture("staged_incident"))
    assert [d.subject for d in found] == ["10.20.0.21 fetched logo.gif from 203.0.113.77"]
    assert "120,000 bytes, declared as image/gif" in found[0].summary
    assert ("url", "http://203.0.113.77/i/logo.gif") in found[0].indicators
