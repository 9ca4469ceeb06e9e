"""DEL004: scripts, Java code, shortcuts and containers of them, graded by kind and by how they were asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import case_capture, fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.code_download import code_download

BARE = {"host": wire.OUTSIDE}
JAR = wire.archive(**{"META-INF/MANIFEST__MF": b"a"})
ISO = bytes(32769) + b"CD001"
PAGE_LED = {"referer": "http://www.vendor.example/"}


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        ({"uri": "/install.sh", "body": wire.SHELL, "agent": "curl/8.1"}, "low"),
        ({"uri": "/lib.jar", "body": JAR, "agent": "Mozilla/4.0 (windows 10) Java/1.8.0_301"}, "info"),
        ({"uri": "/debian.iso", "body": ISO} | PAGE_LED, "info"),
        ({"uri": "/tool.zip", "body": wire.archive(tool__exe=wire.pe(), readme__txt=b"x")} | PAGE_LED, "info"),
        ({"uri": "/plan.docm", "body": wire.archive(**{"word/vbaProject__bin": b"x"})} | PAGE_LED, "low"),
        ({"uri": "/a.ps1", "body": wire.POWERSHELL} | PAGE_LED, "low"),
        ({"uri": "/a.ps1", "body": wire.POWERSHELL, "agent": "curl/8.1"}, "medium"),
        ({"uri": "/invoice.zip", "body": wire.archive(invoice__js=b"x")} | PAGE_LED, "medium"),
        ({"uri": "/invoice.zip", "body": wire.archive(a__pdf__exe=b"x", b__txt=b"y")} | PAGE_LED, "medium"),
        ({"uri": "/invoice.zip", "body": wire.archive(invoice__js=b"x"), "agent": "curl/8.1"}, "medium"),
        ({"uri": "/run.sh", "body": wire.SHELL, "agent": "Wget/1.2"} | BARE, "high"),
        ({"uri": "/b", "body": wire.POWERSHELL, "agent": ""} | BARE, "high"),
        ({"uri": "/a.lnk", "body": wire.LNK} | BARE, "high"),
        ({"uri": "/a.hta", "body": b"<html><hta:application>"} | BARE | PAGE_LED, "high"),
        ({"uri": "/X.class", "body": wire.JAVA_CLASS, "agent": "Java/1.8.0_102", "port": 8000} | BARE, "high"),
    ],
)
def test_priority_by_kind_and_signs(columns: dict[str, Any], priority: str) -> None:
    assert wire.graded(code_download, **columns) == priority


@pytest.mark.parametrize(
    "body", [wire.PAGE, wire.pe(), b"window.ActiveXObject && x.execute(1)", wire.GIF, b"plain text"]
)
def test_quiet_on_what_holds_no_code(body: bytes) -> None:
    assert not b.drafts(code_download, wire.download(body=body, **BARE))


def test_title_and_summary_name_what_came() -> None:
    found = b.drafts(
        code_download,
        wire.download(uri="/doc/invoice.zip", body=wire.archive(invoice__js=b"x"), kind="application/zip"),
    )
    assert found[0].title == "A ZIP archive holding invoice.js was fetched over HTTP"
    assert "http://www.vendor.example/doc/invoice.zip" in found[0].summary


def test_a_look_up_that_made_the_server_fetch_it() -> None:
    made = wire.download(uri="/X.class", body=wire.JAVA_CLASS, at=60.0, **BARE)
    hit = {"src": wire.OUTSIDE, "dst": wire.CLIENT, "dst_port": 8080, "frame": 77, "kind": "jndi", "time": b.START}
    given = {"http": made.http, "files": made.files, "packets": made.packets}
    found = b.drafts(code_download, b.tables(signatures=b.signatures(hit), **given))
    assert (
        "Before it, 203.0.113.9 had sent 10.0.0.5 port 8080 a request that holds ${jndi: (frame 77)" in found[0].summary
    )
    found = b.drafts(code_download, b.tables(signatures=b.signatures(hit | {"time": b.START + 900}), **given))
    assert "jndi" not in found[0].summary


def test_on_the_wire(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/bins.sh", wire.OUTSIDE, wire.SHELL, "text/plain", agent="Wget/1.17")
    calm = wire.fetched(
        3, "/app.js", "www.shop.example", b"var a = 1;\n" * 20, "application/javascript", client_port=40001
    )
    found = wire.exact(code_download, loaded, wire.write(tmp_path / "a.pcap", frames, calm))
    assert [(d.priority, d.display_filter) for d in found] == [("high", "tcp.stream == 0")]


@pytest.mark.shared
def test_the_published_class(loaded) -> None:
    found = wire.exact(code_download, loaded, case_capture("mal_log4shell"))
    assert [d.priority for d in found] == ["high"]
    assert found[0].title == "A Java class was fetched over HTTP"
    for word in ("Exploit.class", "port 8000", "Java/1.8.0_102", "${jndi:", "had itself connected"):
        assert word in found[0].summary
    assert found[0].hosts == ("198.51.100.10", "203.0.113.217")


def test_quiet_on_ordinary_use(loaded) -> None:
    assert not b.drafts(code_download, loaded(fixture_capture("quiet_hour")).tables)
