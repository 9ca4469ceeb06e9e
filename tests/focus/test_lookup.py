"""Indicators in the packets: found where they stand, and nowhere else."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.builders import CLIENT, OUTSIDE, SERVER, family, files, packets, tables
from tshark_report.focus import indicators
from tshark_report.focus.conversations import Conversations
from tshark_report.focus.indicators import Indicator
from tshark_report.focus.lookup import Found, look_up
from tshark_report.tables.tables import Tables

OTHER = "198.51.100.7"
AGENT = "Mozilla/5.0 (X11; Linux) Gecko"


def _tables() -> Tables:
    """A web client: DNS for shop.example, HTTP and TLS to it, another server, a login, a file."""
    dns = {"transport": "udp", "stream": 0, "dst": SERVER, "dst_port": 53, "protocol": "DNS", "payload": 40}
    back = {"src": SERVER, "dst": CLIENT, "src_port": 53, "dst_port": 40000}
    rows: list[dict[str, Any]] = [
        dns,
        dns | back,
        {"stream": 1, "flags": 2, "dst_port": 80},
        {"stream": 1, "dst_port": 80, "payload": 200, "protocol": "HTTP"},
        {
            "stream": 1,
            "src": OUTSIDE,
            "dst": CLIENT,
            "src_port": 80,
            "dst_port": 40000,
            "payload": 900,
            "protocol": "HTTP",
        },
        {"stream": 2, "dst": OTHER, "payload": 300, "protocol": "TLSv1.3"},
        {"stream": 3, "dst": OTHER, "dst_port": 21, "payload": 20, "protocol": "FTP"},
        {"stream": 4, "dst": OUTSIDE, "dst_port": 443, "payload": 20, "protocol": "TLSv1.3"},
    ]
    return tables(
        packets=packets(*rows),
        dns=family("dns", {"frame": 1, "name": "www.Shop.example", "response": False, "stream": 0, "transport": "udp"},
                   {"frame": 2, "name": "www.shop.example", "response": True, "a": [OUTSIDE, "192.0.2.200"], "stream": 0}),
        http=family("http", {"frame": 4, "method": "GET", "host": "www.shop.example", "uri": "/a?b=1", "user_agent": AGENT,
                             "referer": "http://search.example/find", "stream": 1}),
        tls=family("tls", {"frame": 6, "server_name": "mail.corp.example", "handshake": [1], "ja3": "d" * 32, "dst": OTHER, "stream": 2},
                   {"frame": 8, "server_name": "cdn.other.example", "handshake": [1], "ja3": "e" * 32, "stream": 4}),
        ftp=family("ftp", {"frame": 7, "command": "USER", "argument": "Anna", "dst": OTHER, "stream": 3}),
        files=files({"frame": 5, "name": "toys.zip", "sha256": "c" * 64, "sha1": "a" * 40, "md5": "b" * 32, "stream": 1}),
    )  # fmt: skip


def _look(*texts: str) -> Found:
    made = _tables()
    wanted = [indicator for text in texts if (indicator := indicators.given(text, "--focus")) is not None]
    assert len(wanted) == len(texts)
    return look_up(wanted, made, Conversations(made))


@pytest.mark.parametrize(
    ("text", "kind", "frames", "conversations"),
    [
        (OUTSIDE, "address", [2, 3, 4, 5, 8], [1, 4]),
        ("203.0.113.0/24", "network", [2, 3, 4, 5, 8], [1, 4]),
        ("192.0.2.200", "address", [2], [0]),
        (f"{OUTSIDE}:80", "endpoint", [3, 4, 5], [1]),
        ("80", "port", [3, 4, 5], [1]),
        ("udp/53", "port", [1, 2], [0]),
        ("shop.example", "name", [1, 2, 4], [1]),
        ("mail.corp.example", "name", [6], [2]),
        ("hxxp://www[.]shop[.]example/a?b=1", "url", [4], [1]),
        ("http://search.example/find", "url", [4], [1]),
        (AGENT, "user-agent", [4], [1]),
        ("ua:Gecko", "user-agent", [4], [1]),
        ("d" * 32, "ja3", [6], [2]),
        ("anna", "user", [7], [3]),
        ("toys.zip", "file", [5], [1]),
        ("C:\\Temp\\Toys.zip", "file", [5], [1]),
        ("C" * 64, "sha256", [5], [1]),
        ("A" * 40, "sha1", [5], [1]),
        ("b" * 32, "md5", [5], [1]),
        ("02:00:00:00:00:05", "mac", [1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3, 4]),
    ],
)
def test_found(text: str, kind: str, frames: list[int], conversations: list[int]) -> None:
    found = _look(text)
    assert not found.missing
    hit = found.hits[0]
    assert hit.kind == kind
    assert hit.frames.to_list() == frames
    assert hit.conversations.to_list() == conversations
    assert hit.display_filter
    assert hit.where


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.90",
        "10.9.0.0/16",
        f"{OUTSIDE}:81",
        "81",
        "hop.example",
        "shop.example.org",
        "d" * 31 + "0",
        "ann",
        "user:gecko",
    ],
)
def test_near_misses(text: str) -> None:
    found = _look(text)
    assert not found.hits
    assert len(found.missing) == 1


def test_a_shared_address_is_not_taken_for_the_name() -> None:
    """Stream 4 goes to the same address, but its server name is another one."""
    assert 4 not in _look("www.shop.example").hits[0].conversations.to_list()


def test_a_name_that_is_only_asked_for() -> None:
    made = tables(
        packets=packets({"transport": "udp", "stream": 0, "dst": SERVER, "dst_port": 53}),
        dns=family("dns", {"frame": 1, "name": "gone.example", "response": False}),
    )
    hit = look_up([Indicator(("name",), "gone.example")], made, Conversations(made)).hits[0]
    assert "only asked for" in hit.remark
    assert hit.conversations.to_list() == [0]


def test_the_path_of_a_url_is_said_where_only_the_host_is_there() -> None:
    hit = _look("http://www.shop.example/other").hits[0]
    assert hit.kind == "url"
    assert "only the host" in hit.remark


def test_what_this_tshark_lacks_is_not_evaluated() -> None:
    made = tables(packets=packets({}), missing_fields=frozenset({"tls.handshake.ja4"}))
    wanted = Indicator(("ja4",), "t13d1516h2_8daaf6152771_b186095e22b6")
    assert "ja4" in look_up([wanted], made, Conversations(made)).not_evaluated


def test_many_indicators_cost_a_join() -> None:
    wanted = [Indicator(("name",), f"h{i}.example") for i in range(50_000)]
    wanted += [Indicator(("address",), f"10.{i % 200}.{i // 200 % 250}.{i % 250}") for i in range(50_000)]
    made = _tables()
    start = time.process_time()
    found = look_up([*wanted, Indicator(("address",), OUTSIDE)], made, Conversations(made))
    assert found.total >= 1
    assert OUTSIDE in {h.value for h in found.hits}
    # A loop over all packets for each indicator would take minutes; the bound only tells these two apart.
    assert time.process_time() - start < 20


def test_nothing_in_no_packets() -> None:
    made = tables()
    assert look_up([Indicator(("address", "network"), OUTSIDE)], made, Conversations(made)).missing
