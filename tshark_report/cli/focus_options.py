"""Options that say what made the reader look, and how they become a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import shared
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.focus.asked import Asked

MOST_VALUES = 1000

Focus = Annotated[
    list[str],
    typer.Option(
        "--focus",
        help="Open the report with this: an address, name, port, URL, hash, user agent, JA3, JA4, MAC or user, "
        "defanged or not; `user:admin` says which. Repeatable.",
        show_default=False,
    ),
]
Ioc = Annotated[
    list[Path],
    typer.Option(
        "--ioc",
        help="Open the report with what this list names: one a line, CSV, STIX 2.1, MISP JSON, or text of a mail. "
        "Repeatable.",
        show_default=False,
    ),
]
Alerts = Annotated[
    list[Path],
    typer.Option(
        "--alerts",
        help="Open the report with the packets of these alerts: Suricata EVE JSON or Zeek notice.log. Repeatable.",
        show_default=False,
    ),
]
Around = Annotated[
    list[str],
    typer.Option(
        "--around", help="Open the report with this moment, written as for --from. Repeatable.", show_default=False
    ),
]
Window = Annotated[
    float,
    typer.Option("--window", min=0.001, max=31_536_000, help="Seconds before and after that count as shortly."),
]


def asked(
    values: list[str],
    lists: list[Path],
    alerts: list[Path],
    around: list[str],
    window: float,
    day: Callable[[], datetime | None],
) -> Asked:
    """What the options ask for. `day` gives the capture's first day, for moments that are a time of day only.

    Raises:
        UsageError: a value is empty, or a moment is none.
    """
    from tshark_report.focus.asked import Asked

    if any(not value.strip() for value in values):
        raise UsageError(
            "--focus names nothing",
            next_step="--focus 203.0.113.9   or   --focus shop.example",
            detail="an empty text",
            causes=("a variable of a script that is not set",),
        )
    if len(values) > MOST_VALUES:
        raise UsageError(
            "--focus was given too often",
            next_step="write them into a file, one a line: --ioc FILE",
            detail=f"{len(values):,} times; at most {MOST_VALUES:,}",
            causes=("a list was pasted into the command line",),
        )
    clock = any(re.fullmatch(r"\d{1,2}:\d{2}(:.*)?", text.strip()) for text in around)
    first = day() if clock else None
    moments = tuple(shared.moment(text, "--around", first) for text in around)
    return Asked(tuple(values), tuple(lists), tuple(alerts), moments, window)
