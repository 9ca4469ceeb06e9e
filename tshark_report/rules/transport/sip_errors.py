"""Did telephone calls or registrations fail?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules.base import Context, Draft, Threshold, rule
from tshark_report.rules.transport._codes import Codes, findings
from tshark_report.tables.tables import Tables

ERRORS = Threshold(2, "answers", "one failed call is a wrong number")
EVERYDAY = (401, 407, 423, 480, 481, 486, 487, 491, 600, 603)
"""Login challenges, busy, declined, cancelled, too brief: how calls end every day."""

MEANINGS = {
    400: "bad request",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
    408: "request timeout",
    410: "gone",
    415: "unsupported media type",
    420: "bad extension",
    482: "loop detected",
    483: "too many hops",
    484: "address incomplete",
    485: "ambiguous",
    488: "not acceptable here",
    500: "server internal error",
    501: "not implemented",
    502: "bad gateway",
    503: "service unavailable",
    504: "server time-out",
    505: "version not supported",
    513: "message too large",
    604: "does not exist anywhere",
    606: "not acceptable",
}

CODES = Codes(
    column="sip_status",
    field="sip.Status-Code",
    request="SIP request",
    summary="{server} answered {requests} of {clients} with errors: {told}, from {start} UTC.",
    sentence="{server} answered SIP requests of {clients} with errors ({told})",
    meaning=lambda status, _text: MEANINGS.get(status, ""),
    heading="meaning",
)


@rule(
    code="APP005",
    name="sip-errors",
    family="transport",
    title="Telephone calls or registrations failed (SIP errors)",
    question="Did telephone calls or registrations fail?",
    answers=("Q7",),
    why=(
        "The code says why: 403 and 404 the account or number, 488 no common codec, 408 and 5xx a server or "
        "gateway that does not work."
    ),
    innocent=(
        Innocent(
            explanation="A phone is switched off or its registration ran out; callers get 404 or 408.",
            tell_apart="One number only, and it works again after the phone registers.",
        ),
    ),
    confirm=(
        "Telephony, SIP Flows in Wireshark shows the call as a ladder.",
        "Read Warning and Reason headers of the answers.",
    ),
    references=(
        Reference(title="RFC 3261: SIP, response codes", url="https://www.rfc-editor.org/rfc/rfc3261#section-21"),
    ),
    needs=("misc",),
    thresholds={"errors": ERRORS},
    weight=12,
)
def sip_errors(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server."""
    status = pl.col("sip_status")
    errors = tables.misc.filter((status >= 400) & (status < 700) & ~status.is_in(EVERYDAY))
    yield from findings(errors, CODES, context)
