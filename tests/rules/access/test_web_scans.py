"""WEB003: by a scanner's name, by missing addresses, by probes; quiet below and on a broken page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.web_scans import web_scans


def asked(*uris: str, status: int = 404, agent: str = "Mozilla/5.0", found: int = 0) -> Any:
    made = []
    every = [*uris, *(f"/page{i}" for i in range(found))]
    for i, uri in enumerate(every):
        made.append(there(dst_port=80, method="GET", uri=uri, user_agent=agent))
        made.append(back(src_port=80, status=status if i < len(uris) else 200, request_frame=2 * i + 1))
    return tables(http=family("http", *made))


def words(number: int) -> list[str]:
    return [f"/word{i}/" for i in range(number)]


def test_fires_at_thirty_missing_addresses() -> None:
    assert [d.priority for d in drafts(web_scans, asked(*words(30)))] == ["medium"]
    assert not drafts(web_scans, asked(*words(29)))


def test_quiet_where_most_was_found() -> None:
    assert not drafts(web_scans, asked(*words(40), found=60))


def test_quiet_where_one_picture_is_missing_often() -> None:
    assert not drafts(web_scans, asked(*["/missing.png"] * 100))


@pytest.mark.parametrize("agent", ["Mozilla/5.00 (Nikto/2.1.6)", "sqlmap/1.7", "gobuster/3.6", "Mozilla/5.0 zgrab/0.x"])
def test_fires_at_five_requests_of_a_named_scanner(agent: str) -> None:
    assert drafts(web_scans, asked(*words(5), agent=agent, status=200))
    assert not drafts(web_scans, asked(*words(4), agent=agent, status=200))


def test_fires_at_eight_probes() -> None:
    probes = [
        "/.git/config",
        "/.env",
        "/wp-login.php",
        "/phpmyadmin/",
        "/manager/html",
        "/actuator/health",
        "/server-status",
        "/backup.sql",
    ]
    assert drafts(web_scans, asked(*probes))
    assert not drafts(web_scans, asked(*probes[:7]))
    opened = drafts(web_scans, asked(*probes, status=200))
    assert "8 such addresses answered with success" in opened[0].summary


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("web_attacks")
    found = drafts(web_scans, loaded(path).tables)
    assert [d.hosts for d in found] == [("203.0.113.150", "10.20.0.80")]
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("ndpi_nikto_rce")
    found = drafts(web_scans, loaded(path).tables)
    assert "Nikto" in found[0].title
    assert "no response was captured, only requests" in found[0].summary
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_quiet_on_ordinary_browsing(loaded: Any) -> None:
    assert not drafts(web_scans, loaded(case_capture("zeek_wikipedia")).tables)
