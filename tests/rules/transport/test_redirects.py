"""NET006: hosts that are told another gateway."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.redirects import redirects


def test_fires_at_one() -> None:
    row = {
        "type": 5,
        "code": 1,
        "src": "10.0.0.66",
        "dst": "10.0.0.5",
        "gateway": "10.0.0.2",
        "all_dst": ["10.0.0.5", "203.0.113.1"],
    }
    found = drafts(redirects, tables(icmp=family("icmp", row)))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.66", "low")]
    assert "to send packets to 203.0.113.1 by way of 10.0.0.2" in found[0].summary


def test_quiet_on_other_types() -> None:
    assert not drafts(
        redirects, tables(icmp=family("icmp", {"type": 3, "code": 1}, {"type": 137, "code": 0, "src": "10.0.0.1"}))
    )
