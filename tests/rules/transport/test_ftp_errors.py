"""APP002: FTP servers that refuse; refused logins and unknown commands do not count."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.ftp_errors import ftp_errors
from tshark_report.tables.tables import Tables


def answers(*codes: int) -> Tables:
    return tables(
        ftp=family("ftp", *({"code": code, "text": "No", "src": "10.0.0.10", "dst": "10.0.0.5"} for code in codes))
    )


def test_fires_at_three() -> None:
    found = drafts(ftp_errors, answers(550, 550, 426))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.10", "low")]
    assert "2 x 550 No and 1 x 426 No" in found[0].summary
    assert not drafts(ftp_errors, answers(550, 550))


def test_quiet_on_logins_and_unknown_commands() -> None:
    assert not drafts(ftp_errors, answers(530, 530, 530, 500, 502, 504, 331, 226))
