"""APP003: mail that is refused; refused logins and unknown commands do not count."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.mail_errors import mail_errors
from tshark_report.tables.tables import Tables


def answers(*codes: int) -> Tables:
    rows = ({"smtp_code": code, "smtp_text": "no such user", "src": "10.0.0.25", "dst": "10.0.0.5"} for code in codes)
    return tables(mail=family("mail", *rows))


def test_fires_at_two() -> None:
    found = drafts(mail_errors, answers(550, 550))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.25", "low")]
    assert "2 x 550 no such user" in found[0].summary
    assert not drafts(mail_errors, answers(550))


def test_quiet_on_logins_and_unknown_commands() -> None:
    assert not drafts(mail_errors, answers(535, 535, 530, 502, 500, 250, 354))
