"""OUT012: one path asked of many domains; quiet on pages, mirrors of one domain and paths that all sites have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.repeated_paths import repeated_paths


def made(number: int, path: str = "/m9so/", **columns: Any) -> Any:
    rows = [
        {"method": "GET", "uri": f"{path}?h={n}", "host": f"www.shop{n}.example{n}.com", "dst": f"203.0.113.{n}"}
        | columns
        for n in range(1, number + 1)
    ]
    return tables(http=family("http", *rows))


def test_fires_at_four_domains() -> None:
    found = drafts(repeated_paths, made(4))
    assert [(d.priority, d.hosts[0], list(d.frames)) for d in found] == [("medium", wire.CLIENT, [1, 2, 3, 4])]
    assert "for the same path /m9so/ to servers of 4 domains outside" in found[0].summary
    assert "No request has a User-Agent" in found[0].summary
    assert not drafts(repeated_paths, made(3))


def test_high_where_it_posted_to_four() -> None:
    found = drafts(repeated_paths, made(4, method="POST"))
    assert found[0].priority == "high"
    assert "It posted to 4 of them" in found[0].summary


def test_quiet_where_a_page_led_to_it() -> None:
    assert not drafts(repeated_paths, made(6, referer="http://links.example.org/list"))
    rows = made(6, "/wp-includes/js/jquery.min.js").http.to_dicts()
    own = [row | {"referer": f"http://{row['host']}/"} for row in rows]
    assert not drafts(repeated_paths, tables(http=family("http", *own)))
    # A request that names itself as its own page was led to by none.
    itself = [row | {"referer": f"http://{row['host']}/wp-includes/js/jquery.min.js"} for row in rows]
    assert drafts(repeated_paths, tables(http=family("http", *itself)))


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/feed/", "/favicon.ico", "/.well-known/x", "/generate_204"])
def test_quiet_on_paths_that_all_sites_have(path: str) -> None:
    assert not drafts(repeated_paths, made(8, path))


def test_quiet_on_one_domain_inside_and_from_outside() -> None:
    same = [
        {"method": "GET", "uri": "/dists/x", "host": f"mirror{n}.example.org", "dst": f"203.0.113.{n}"}
        for n in range(8)
    ]
    assert not drafts(repeated_paths, tables(http=family("http", *same)))
    assert not drafts(repeated_paths, made(8, dst=wire.INSIDE))
    assert not drafts(repeated_paths, made(8, src="198.51.100.3"))
    assert not drafts(repeated_paths, made(3, host="c.events.data.microsoft.com"))


def test_filter_selects_the_requests(loaded: wire.Read, tmp_path: Path) -> None:
    def ask(n: int, path: str, port: int) -> wire.Frames:
        text = f"GET {path} HTTP/1.1\r\nHost: www.s{n}.example{n}.com\r\n\r\n".encode()
        answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        talk = [(0.1, ">", text), (0.2, "<", answer)]
        return wire.tcp(n * 10 + port / 1e4, talk, server=f"203.0.113.{n}", port=80, client_port=port)

    capture = wire.write(
        tmp_path / "a.pcap",
        *(ask(n, f"/m9so/?h={n}" if n % 2 else "/m9so/", 40000) for n in range(1, 6)),
        *(ask(n, "/m9so/other", 41000) for n in range(1, 3)),
    )
    found = wire.exact(repeated_paths, loaded, capture)
    assert [len(d.frames) for d in found] == [5]
    assert "5 of 5 answers were errors" in found[0].summary
