"""One capture, read for comparing: its tables, its sessions, and the options of its handshakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tshark_report.capture import chosen
from tshark_report.capture.deadlines import deadline
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import Loaded, Progress
from tshark_report.errors import ReportError
from tshark_report.normal.facts import Facts, facts
from tshark_report.reading import Request, opened, quiet
from tshark_report.story.words import iso_time
from tshark_report.tables.tables import Tables

MOST_HANDSHAKES = 20_000
"""SYN packets whose options are read."""

SYN_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(), "stream": pl.UInt32(), "answer": pl.Boolean(), "mss": pl.Int64(), "scale": pl.Int64(),
    "window": pl.Int64(), "sack": pl.Boolean(),
}  # fmt: skip
"""Options of SYN and SYN/ACK packets: maximum segment size, shift of the window, window as sent, SACK permitted."""
_FIELDS = ("tcp.stream", "tcp.flags.ack", "tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.window_size_value",
           "tcp.options.sack_perm")  # fmt: skip


@dataclass(frozen=True)
class Side:
    """A capture to be compared. `label` is how the text calls it."""

    label: str
    loaded: Loaded
    facts: Facts
    syns: pl.DataFrame
    tshark_version: str

    @property
    def tables(self) -> Tables:
        """The typed tables."""
        return self.loaded.tables

    def time_of(self, frame: int | None) -> str | None:
        """When a frame was captured, as ISO 8601; None for no frame, or for one that the tables do not hold."""
        frames = self.tables.packets["frame"]
        if frame is None or not len(frames):
            return None
        place = frames.search_sorted(frame)
        there = place < len(frames) and frames[place] == frame
        return iso_time(self.tables.packets["time"][place]) if there else None


def read(request: Request, label: str, progress: Progress = quiet) -> Side:
    """Read one capture.

    Raises:
        ReportError: any of the expected errors of finding tshark and reading the capture.
    """
    with opened(request, progress) as (loaded, found, _scratch, env):
        limit = request.timeout or deadline(loaded.capture.file_bytes)
        try:
            told = replace(request.options, preferences=(*request.options.preferences, *loaded.preferences))
            options = _with_filter(told, "tcp.flags.syn == 1")
            rows = chosen.read(found, loaded.capture.path, _FIELDS, options, [], MOST_HANDSHAKES, env, limit)
        except ReportError:
            # What the handshakes offered is one table of many: the comparison comes without it.
            rows = []
        return Side(label, loaded, facts(loaded.tables, request.settings), _syns(rows), found.version)


def _with_filter(options: Options, display_filter: str) -> Options:
    both = f"({options.display_filter}) && {display_filter}" if options.display_filter else display_filter
    return replace(options, display_filter=both)


def _syns(rows: Sequence[Sequence[str | None]]) -> pl.DataFrame:
    made = [
        {
            "frame": _number(row[0]), "stream": _number(row[1]), "answer": row[2] in ("1", "True"),
            "mss": _number(row[3]), "scale": _number(row[4]), "window": _number(row[5]), "sack": row[6] is not None,
        }
        for row in rows
    ]  # fmt: skip
    return pl.DataFrame(made, schema=SYN_SCHEMA)


def _number(text: str | None) -> int | None:
    first = (text or "").split(",", 1)[0]
    return int(first) if first.isdigit() else None


def labels(good: Path, bad: Path) -> tuple[str, str]:
    """How the text calls the two captures: by file name, with the folder where the names are the same."""
    if good.name != bad.name:
        return good.name, bad.name
    one, other = (f"{p.absolute().parent.name}/{p.name}" for p in (good, bad))
    return (one, other) if one != other else ("the first capture", "the second capture")
