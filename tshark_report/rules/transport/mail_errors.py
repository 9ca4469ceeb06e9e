"""Did a mail server refuse mail?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules.base import Context, Draft, Threshold, rule
from tshark_report.rules.transport._common import (
    by_server,
    code_table,
    codes_filter,
    codes_told,
    count,
    frame_numbers,
    hosts_text,
    number,
)
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

ERRORS = Threshold(2, "answers", "one refused command may be an optional one (EHLO of an old server, STARTTLS)")
LOGIN_CODES = (530, 534, 535, 538)
UNKNOWN_COMMANDS = (500, 502, 504)
"""Refused logins are other rules' matter, and optional commands no error."""


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
    for server, rows, clients in by_server(errors, context.limit("errors")):
        told = codes_told(rows, "smtp_code", "smtp_text")
        yield Draft(
            subject=server,
            hosts=(server, *clients[:4]),
            summary=(
                f"{context.named(server)} refused {count(rows.height, 'SMTP command')} of {hosts_text(clients)}: "
                f"{told}, from {clock(number(rows['time'].min()))} UTC."
            ),
            sentence=f"{context.named(server)} refused mail of {hosts_text(clients, 2)} ({told})",
            priority="low",
            confidence="high",
            display_filter=codes_filter(server, "smtp.response.code", rows, "smtp_code"),
            frames=frame_numbers(rows),
            evidence=code_table(rows, "smtp_code", "smtp_text"),
        )
