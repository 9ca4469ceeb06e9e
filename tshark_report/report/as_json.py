"""The report as JSON: the only format that is also read back."""

from __future__ import annotations

import msgspec

from tshark_report.errors import UsageError
from tshark_report.report.model import Report
from tshark_report.report.walk import map_text


def render(report: Report) -> bytes:
    """The report as indented UTF-8 JSON with a line feed at its end; text from the wire stands in it raw."""
    try:
        data = msgspec.json.encode(report)
    except UnicodeEncodeError:
        # Half of a surrogate pair, which UTF-8 cannot hold: from a file name or a user's argument.
        data = msgspec.json.encode(map_text(report, lambda text: text.encode(errors="replace").decode()))
    return msgspec.json.format(data, indent=2) + b"\n"


def load(data: bytes) -> Report:
    """Read back what `render` wrote.

    Raises:
        UsageError: `data` is not JSON, or not a report of a version that this program knows.
    """
    try:
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            "This is not a report.json that this version can read",
            detail=str(error),
            causes=("the file is not a report", "the file was written by another version of tshark-report"),
            next_step="Make the report.json again from the capture.",
        ) from error
