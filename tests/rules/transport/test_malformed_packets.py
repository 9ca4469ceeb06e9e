"""NET009: packets that the dissector could not read."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.malformed_packets import malformed_packets
from tshark_report.tables.tables import Tables


def bad(number: int, message: str = "Malformed Packet (Exception occurred)", severity: str = "Error") -> Tables:
    row = {"protocol": "X11", "severity": severity, "group": "Malformed", "message": message, "dst_port": 6000}
    return tables(expert=family("expert", *(row for _ in range(number))))


def test_fires_at_three() -> None:
    found = drafts(malformed_packets, bad(3))
    assert [(d.subject, d.priority) for d in found] == [("X11 malformed", "info")]
    assert "(port 6000)" in found[0].summary
    assert not drafts(malformed_packets, bad(2))


def test_quiet_on_overlaps_and_warnings() -> None:
    assert not drafts(malformed_packets, bad(9, "New fragment overlaps old data (retransmission?)"))
    assert not drafts(malformed_packets, bad(9, severity="Warning"))
