"""APP005: calls that fail; busy, declined and login challenges do not count."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.sip_errors import sip_errors
from tshark_report.tables.tables import Tables


def answers(*statuses: int) -> Tables:
    return tables(
        misc=family("misc", *({"sip_status": status, "src": "10.0.0.90", "dst": "10.0.0.5"} for status in statuses))
    )


def test_fires_at_two() -> None:
    found = drafts(sip_errors, answers(503, 503))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.90", "low")]
    assert "2 x 503 service unavailable" in found[0].summary
    assert not drafts(sip_errors, answers(503))


def test_quiet_on_how_calls_end() -> None:
    assert not drafts(sip_errors, answers(401, 407, 486, 487, 603, 200, 180))
