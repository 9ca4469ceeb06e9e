"""APP004: file servers that fail; looking around and refused logons do not count."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.smb_errors import smb_errors
from tshark_report.tables.tables import Tables


def answers(*statuses: int) -> Tables:
    rows = ({"status": status, "response": True, "src": "10.0.0.12", "dst": "10.0.0.5"} for status in statuses)
    return tables(smb=family("smb", *rows))


def test_fires_at_three() -> None:
    found = drafts(smb_errors, answers(0xC0000022, 0xC0000022, 0xC00000CC))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.12", "info")]
    assert "2 x access denied and 1 x no such share" in found[0].summary
    assert not drafts(smb_errors, answers(0xC0000022, 0xC0000022))


def test_low_for_what_hurts() -> None:
    assert drafts(smb_errors, answers(0xC0000022, 0xC0000022, 0xC000007F))[0].priority == "low"


def test_quiet_on_everyday_statuses() -> None:
    assert not drafts(
        smb_errors, answers(*[0xC000006D] * 5, *[0xC0000034] * 5, *[0xC0000016] * 5, *[0x80000006] * 5, 0)
    )
