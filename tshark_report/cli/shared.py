"""Options that several commands share, and how they become a request."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from tshark_report.errors import UsageError

Capture = Annotated[
    Path,
    typer.Argument(
        metavar="CAPTURE",
        help="The capture: pcap, pcapng, gzip of either, or any type tshark reads.",
        readable=False,
        show_default=False,
    ),
]
"""Whether it can be read is not for Typer to say: that is exit code 4, with a reason."""

CaptureOrNone = Annotated[
    Path | None,
    typer.Argument(
        metavar="CAPTURE",
        help="The capture: pcap, pcapng, gzip of either, or any type tshark reads.",
        readable=False,
        show_default=False,
    ),
]
Filter = Annotated[
    str, typer.Option("--filter", "-Y", help="Display filter: report on these packets only.", show_default=False)
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        help="Report from this moment on: 2026-03-01T09:14:00, or 09:14 of the capture's first day. UTC.",
        show_default=False,
    ),
]
To = Annotated[str, typer.Option("--to", help="Report up to this moment.", show_default=False)]
Keylog = Annotated[
    Path | None, typer.Option("--keylog", help="TLS key log file (SSLKEYLOGFILE) to decrypt with.", show_default=False)
]
DecodeAs = Annotated[
    list[str],
    typer.Option("--decode-as", "-d", help="As tshark's -d, for example tcp.port==8884,ftp.", show_default=False),
]
Preference = Annotated[list[str], typer.Option("--pref", help="A tshark preference, NAME:VALUE.", show_default=False)]
Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        help="Use this Wireshark profile of yours; otherwise a clean configuration is used.",
        show_default=False,
    ),
]
Tshark = Annotated[str | None, typer.Option("--tshark", help="The tshark to use.", envvar="TSHARK", show_default=False)]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=1,
        max=604_800,
        help="Seconds that one tshark pass may take; grows with the file by default.",
        show_default=False,
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="TOML with home networks, thresholds and what to expect.", show_default=False),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", min=1, help="tsharks that run at once; by default one a processor.", show_default=False
    ),
]


def _tlp_mark(text: str) -> str:
    if text and text.lower() not in TLP_MARKS:
        raise UsageError(
            "--tlp is not a mark of the Traffic Light Protocol",
            detail=text,
            causes=("a misspelt colour", "the words TLP: before it"),
            next_step=f"--tlp with one of: {', '.join(TLP_MARKS)}",
        )
    return text.lower()


TLP_MARKS = ("red", "amber", "amber+strict", "green", "clear", "white")
"""Marks of TLP 2.0 (FIRST, 2022), and `white`, which is what version 1 called `clear`."""
Tlp = Annotated[
    str,
    typer.Option(
        "--tlp",
        help="Traffic Light Protocol mark: red, amber, amber+strict, green, clear.",
        callback=_tlp_mark,
        show_default=False,
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")]


def moment(text: str, name: str, day: datetime | None) -> float:
    """Seconds since 1970 of a moment as a user writes it. UTC where it names no zone.

    Raises:
        UsageError: it is no moment, or only a time of day while no day is known.
    """
    clock = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?", text.strip())
    if clock:
        if day is None:
            raise UsageError(
                f"{name}: a time of day needs a capture whose first day is known",
                detail=text,
                causes=("the capture is not pcap or pcapng", "it holds no packet"),
                next_step=f"{name} 2026-03-01T09:14:00",
            )
        start = day.replace(hour=0, minute=0, second=0, microsecond=0)
        return (start + timedelta(hours=int(clock[1]), minutes=int(clock[2]), seconds=float(clock[3] or 0))).timestamp()
    if re.fullmatch(r"\d{9,11}(\.\d+)?", text.strip()):
        return float(text)
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(
            f"{name} is not a moment",
            detail=text,
            causes=("another way of writing dates", "an hour past 23 or a minute past 59"),
            next_step=f"{name} 2026-03-01T09:14:00   or   {name} 09:14   or seconds since 1970",
        ) from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def display_filter(given: str, start: str, end: str, day: datetime | None) -> str:
    """The filter that `--filter`, `--from` and `--to` add up to.

    Raises:
        UsageError: a moment is none, or the range is empty.
    """
    parts = [f"({given})"] if given and (start or end) else [given] if given else []
    first = moment(start, "--from", day) if start else None
    last = moment(end, "--to", day) if end else None
    if first is not None and last is not None and last < first:
        raise UsageError(
            "--to lies before --from",
            detail=f"{start} .. {end}",
            causes=("the two were exchanged", "the range passes midnight, and times of day are of the first day"),
            next_step=f"--from {end} --to {start}",
        )
    if first is not None:
        parts.append(f"frame.time_epoch >= {first:.6f}")
    if last is not None:
        parts.append(f"frame.time_epoch <= {last:.6f}")
    return " && ".join(parts)
