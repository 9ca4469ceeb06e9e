"""The options that several commands share, as a `Request`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tshark_report.cli import shared
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from tshark_report.reading import Request


def request_of(  # noqa: PLR0913
    capture: Path,
    display_filter: str,
    start: str,
    end: str,
    keylog: Path | None,
    decode_as: list[str],
    pref: list[str],
    profile: str,
    settings: Path | None,
    tshark: str | None,
    timeout: float | None,
) -> Request:
    """What these options ask for.

    Raises:
        UsageError: one of them does not fit.
        ReportError: `--from` or `--to` names a time of day, and the capture cannot be looked at.
    """
    from tshark_report import settings as settings_module
    from tshark_report.capture.dissect import Options
    from tshark_report.reading import Request

    if keylog is not None and not keylog.is_file():
        raise UsageError(
            "there is no such key log file",
            detail=str(keylog),
            causes=("the name is misspelt", "it is a folder, or in another one than you think"),
            next_step=f"ls -l {keylog.parent}",
        )
    options = Options(
        shared.display_filter(display_filter, start, end, day_of(capture) if start or end else None),
        keylog,
        tuple(decode_as),
        tuple(pref),
        profile,
    )
    chosen = settings_module.load(settings) if settings is not None else settings_module.Settings()
    return Request(capture, options, chosen, tshark=tshark, timeout=timeout)


def day_of(capture: Path) -> datetime | None:
    """The day of the first packet of a capture; None where its file does not say.

    Raises:
        CaptureUnreadable: there is no readable file.
    """
    from datetime import UTC, datetime

    from tshark_report.capture.check import look
    from tshark_report.capture.framing import first_time

    look(capture)
    seconds = first_time(capture)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
