"""Did an FTP server refuse commands?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules.base import Context, Draft, Threshold, rule
from tshark_report.rules.transport._codes import Codes, findings
from tshark_report.tables.tables import Tables

ERRORS = Threshold(3, "answers", "clients try optional commands (AUTH, FEAT, MLSD) that old servers do not know")
LOGIN_FAILED = 530
UNKNOWN_COMMANDS = (500, 502, 504)
"""Answers to commands that the server does not have: asked for by every modern client."""

CODES = Codes(
    column="code",
    field="ftp.response.code",
    request="FTP command",
    summary="{server} refused {requests} of {clients}: {told}, from {start} UTC.",
    sentence="{server} refused FTP commands of {clients} ({told})",
    text="text",
)


@rule(
    code="APP002",
    name="ftp-errors",
    family="transport",
    title="An FTP server refused commands",
    question="Did an FTP server refuse commands?",
    answers=("Q7",),
    why=(
        "A 4xx or 5xx answer says that the transfer failed at the server: no such file, no permission, no space, "
        "no data connection."
    ),
    innocent=(
        Innocent(
            explanation="A client asks for a file or folder only to see whether it exists.",
            tell_apart="It goes on with the next command without delay, and the transfer succeeds.",
        ),
    ),
    confirm=(
        "Read the FTP server's log.",
        "425 and 426 mean the data connection: look for its SYN and what became of it (firewall, passive mode).",
    ),
    references=(
        Reference(title="RFC 959: File Transfer Protocol, replies", url="https://www.rfc-editor.org/rfc/rfc959"),
    ),
    needs=("ftp",),
    thresholds={"errors": ERRORS},
    weight=12,
)
def ftp_errors(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server."""
    errors = tables.ftp.filter(
        (pl.col("code") >= 400)
        & (pl.col("code") < 600)
        & (pl.col("code") != LOGIN_FAILED)
        & ~pl.col("code").is_in(UNKNOWN_COMMANDS)
    )
    yield from findings(errors, CODES, context)
