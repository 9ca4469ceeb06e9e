"""Did a mail server refuse mail?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules.base import Context, Draft, Threshold, rule
from tshark_report.rules.transport._codes import Codes, findings
from tshark_report.tables.tables import Tables

ERRORS = Threshold(2, "answers", "one refused command may be an optional one (EHLO of an old server, STARTTLS)")
LOGIN_CODES = (530, 534, 535, 538)
UNKNOWN_COMMANDS = (500, 502, 504)
"""Refused logins are other rules' matter, and optional commands no error."""

CODES = Codes(
    column="smtp_code",
    field="smtp.response.code",
    request="SMTP command",
    summary="{server} refused {requests} of {clients}: {told}, from {start} UTC.",
    sentence="{server} refused mail of {clients} ({told})",
    text="smtp_text",
)


@rule(
    code="APP003",
    name="mail-errors",
    family="transport",
    title="A mail server refused mail",
    question="Did a mail server refuse mail?",
    answers=("Q7",),
    why=(
        "4xx means try again later (greylisting, full mailbox, overload), 5xx means never: unknown recipient, "
        "relaying denied, "
        "refused as unwanted, blocked address. Many refusals to one client say that it should not send, or sends "
        "too much."
    ),
    innocent=(
        Innocent(
            explanation="Greylisting answers the first try of every new sender with 450 or 451.",
            tell_apart="The same mail is accepted some minutes later.",
        ),
    ),
    confirm=(
        "Read the text behind the code: it often names the list or the policy.",
        "Read the mail server's log for the queue id.",
    ),
    references=(
        Reference(title="RFC 5321: SMTP, reply codes", url="https://www.rfc-editor.org/rfc/rfc5321#section-4.2"),
    ),
    needs=("mail",),
    thresholds={"errors": ERRORS},
    weight=13,
)
def mail_errors(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server."""
    code = pl.col("smtp_code")
    errors = tables.mail.filter((code >= 400) & (code < 600) & ~code.is_in(LOGIN_CODES) & ~code.is_in(UNKNOWN_COMMANDS))
    yield from findings(errors, CODES, context)
