"""NET004: routers that ask for smaller packets."""

from __future__ import annotations

from typing import Any

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.smaller_path_mtu import smaller_path_mtu
from tshark_report.tables.tables import Tables

ROUTER, SENDER, FAR = "10.0.0.1", "10.0.0.5", "203.0.113.31"


def told(number: int, **columns: Any) -> Tables:
    base = {"type": 3, "code": 4, "mtu": 1400, "src": ROUTER, "dst": SENDER, "all_dst": [SENDER, FAR]}
    return tables(icmp=family("icmp", *(base | columns for _ in range(number))))


def test_one_message_is_context() -> None:
    found = drafts(smaller_path_mtu, told(1))
    assert [(d.subject, d.priority) for d in found] == [(ROUTER, "info")]
    assert "the path carries 1,400 bytes (1400 MTU)" in found[0].summary
    assert FAR in found[0].summary


def test_low_where_the_sender_does_not_learn() -> None:
    assert drafts(smaller_path_mtu, told(5))[0].priority == "low"
    assert drafts(smaller_path_mtu, told(4))[0].priority == "info"


def test_ipv6_and_quiet_on_other_errors() -> None:
    assert drafts(smaller_path_mtu, told(1, type=2, code=0, src="fe80::1"))
    assert not drafts(smaller_path_mtu, told(9, code=1))
