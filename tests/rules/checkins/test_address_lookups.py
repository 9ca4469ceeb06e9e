"""OUT005: a client asks for its own public address."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import drafts, family, tables
from tests.conftest import case_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.address_lookups import address_lookups


def test_one_request_without_a_browser_is_low() -> None:
    found = drafts(address_lookups, tables(http=family("http", {"method": "GET", "host": "api.ipify.org", "uri": "/"})))
    assert found[0].priority == "low"
    assert "api.ipify.org" in found[0].summary


def test_browsers_and_mere_names_are_context() -> None:
    browser = {"method": "GET", "host": "api.ipify.org", "uri": "/", "user_agent": "Mozilla/5.0 (X11)"}
    assert drafts(address_lookups, tables(http=family("http", browser)))[0].priority == "info"
    asked = {"response": False, "name": "icanhazip.com", "protocol": "DNS"}
    assert drafts(address_lookups, tables(dns=family("dns", asked)))[0].priority == "info"


@pytest.mark.parametrize("host", ["www.example.com", "notipinfo.io.example", "ipify.org.example"])
def test_quiet_on_other_names(host: str) -> None:
    assert not drafts(address_lookups, tables(http=family("http", {"method": "GET", "host": host, "uri": "/"})))


def test_filter_selects_question_and_requests(loaded: wire.Read, tmp_path: Path) -> None:
    plain = wire.tcp(1, [(0.1, ">", wire.request("GET", "/line", "ip-api.com")), (0.2, "<", wire.OK)], port=80)
    hidden = wire.tcp(2, [(0.1, ">", wire.hello("ip-api.com"))], client_port=40001)
    near = wire.tcp(
        3, [(0.1, ">", wire.request("GET", "/line", "www.example.com"))], port=80, server=wire.OTHER, client_port=40002
    )
    capture = wire.write(tmp_path / "a.pcap", wire.dns(0, "ip-api.com", wire.OUTSIDE), plain, hidden, near)
    assert len(wire.exact(address_lookups, loaded, capture)[0].frames) == 3


@pytest.mark.shared
def test_published_capture(loaded: wire.Read) -> None:
    assert "ip-api.com" in wire.exact(address_lookups, loaded, case_capture("agenttesla_ftp"))[0].summary
