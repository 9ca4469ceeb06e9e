"""OUT002: HTTP on a port of its own; quiet on usual ports and inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.http_on_odd_ports import http_on_odd_ports


def made(**columns: Any) -> Any:
    base = {"method": "GET", "uri": "/a.bin", "host": wire.OUTSIDE, "dst": wire.OUTSIDE, "dst_port": 8585}
    return tables(http=family("http", base | columns))


def test_one_request_is_named() -> None:
    found = drafts(http_on_odd_ports, made())
    assert found[0].priority == "low"
    assert "203.0.113.9 port 8585, a port where HTTP is unusual" in found[0].summary


def test_a_name_makes_it_context() -> None:
    assert drafts(http_on_odd_ports, made(host="radio.example"))[0].priority == "info"


@pytest.mark.parametrize(
    "columns",
    [
        {"dst_port": 8080},
        {"dst_port": 443},
        {"dst": wire.INSIDE},
        {"method": None, "status": 200},
        {"protocol": "SSDP"},
    ],
)
def test_quiet_on_usual_ports_inside_and_answers(columns: dict[str, Any]) -> None:
    assert not drafts(http_on_odd_ports, made(**columns))


def test_posts_to_bare_addresses_are_told_elsewhere() -> None:
    assert not drafts(http_on_odd_ports, made(method="POST", content_length=10))


def test_filter_selects_the_requests(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [
        (0.1, ">", wire.request("GET", "/a", wire.OUTSIDE)),
        (0.2, "<", wire.OK),
        (0.3, ">", wire.request("GET", "/b", wire.OUTSIDE)),
    ]
    near = wire.tcp(1, talk, port=8080, client_port=50000)
    found = wire.exact(http_on_odd_ports, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, talk, port=8585), near))
    assert len(found[0].frames) == 2
