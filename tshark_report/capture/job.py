"""What every pass over one capture needs, and the passes that can be started before the tables are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tshark_report.capture import dissect, first_sight, split
from tshark_report.capture.dissect import Options
from tshark_report.capture.early import Early
from tshark_report.capture.framing import Frames
from tshark_report.capture.tshark import Tshark
from tshark_report.tables import layouts

EXPORT_LIMIT = 200 * 1024 * 1024
"""Bytes of capture up to which carried files are exported in the same pass; tshark keeps all of them in memory."""

WAIT_FOR_FRAMES = 4_000_000
"""Bytes of capture up to which the framing, read within milliseconds, is waited for: it says how many rows come."""


@dataclass(frozen=True)
class Job:
    """One capture to read."""

    tshark: Tshark
    path: Path
    bytes: int
    """Of the file at `path`."""
    known: frozenset[str]
    """Fields that this tshark has."""
    env: dict[str, str]
    options: Options
    seconds: Callable[[], float]
    """What the next pass may take."""
    folder: Path
    """Below it what crossed the wire is exported."""
    processors: int
    """tsharks that may run at once."""
    early: Early
    alone: bool = False
    """Each packet is read alone: nothing is put together that several carry, and so no file either."""

    @property
    def limit(self) -> float:
        """Seconds that a pass which starts now may take."""
        return self.seconds()

    @property
    def objects(self) -> Path | None:
        """Where carried files go; None where they are not exported."""
        exported = self.bytes <= EXPORT_LIMIT and not self.options.display_filter and not self.alone
        return self.folder if exported else None

    def by_fields(self) -> list[str]:
        """The command of a pass over all packets in the full layout, with statistics and carried files."""
        layout = layouts.full(self.known)
        return dissect.command(self.tshark, str(self.path), layout, self.options, objects=self.objects)

    def again(self) -> list[str]:
        """The command of a second pass over all packets, in the full layout."""
        return dissect.command(self.tshark, str(self.path), layouts.full(self.known), self.options, taps=())

    def begin(self, frames: Frames | None) -> None:
        """Start what `passes.read` will want first, as far as that can be told: it cannot of captures that are split.

        `frames` is the framing of the capture; None where it is not known, or not yet.
        """
        if self.options.display_filter:
            self._start(self.by_fields())
        elif frames is not None and len(frames) < split.LEAST_PACKETS:
            layout = layouts.fast(self.known)
            self._start(dissect.command(self.tshark, str(self.path), layout, self.options, objects=self.objects))
            if self.processors > 1 and first_sight.seems_layered(self.path, frames):
                self._start(self.again())

    def _start(self, args: list[str]) -> None:
        self.early.begin(args, timeout=self.limit, env=self.env)
