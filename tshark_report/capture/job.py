"""What every pass over one capture needs, and the passes that can be started before the tables are there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tshark_report.capture import dissect, split
from tshark_report.capture.dealt import Dealt, deal
from tshark_report.capture.dissect import Options
from tshark_report.capture.early import Early
from tshark_report.capture.first_sight import seems_layered
from tshark_report.capture.framing import Frames
from tshark_report.capture.piles import Piled
from tshark_report.capture.tshark import Tshark
from tshark_report.tables import layouts

EXPORT_LIMIT = 200 * 1024 * 1024
"""Bytes of capture up to which carried files are exported in the same pass; tshark keeps all of them in memory."""

WAIT_FOR_FRAMES = 4_000_000
"""Bytes of capture up to which the framing, read within milliseconds, is waited for: it says how many rows come."""


@dataclass
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
    _dealt: Dealt | None = field(default=None, compare=False, repr=False)

    @property
    def limit(self) -> float:
        """Seconds that a pass which starts now may take."""
        return self.seconds()

    @property
    def objects(self) -> Path | None:
        """Where carried files go; None where they are not exported."""
        exported = self.bytes <= EXPORT_LIMIT and not self.options.display_filter and not self.alone
        return self.folder if exported else None

    @property
    def waits_for_frames(self) -> bool:
        """Is the framing worth waiting for: read in no time, or needed to deal the capture out?"""
        return not self.options.display_filter and (self.bytes < WAIT_FOR_FRAMES or self.processors > 1)

    def by_fields(self) -> list[str]:
        """The command of a pass over all packets in the full layout, with statistics and carried files."""
        layout = layouts.full(self.known)
        return dissect.command(self.tshark, str(self.path), layout, self.options, objects=self.objects)

    def again(self) -> list[str]:
        """The command of a second pass over all packets, in the full layout."""
        return dissect.command(self.tshark, str(self.path), layouts.full(self.known), self.options, taps=())

    def deal(self, frames: Frames) -> Dealt | None:
        """The capture dealt out to several tsharks; None where its headers are not looked for.

        Raises:
            Piled: the capture holds more fragments of something than any datagram can have.
        """
        if self._dealt is None:
            every = bool(self.options.decode_as)
            self._dealt = deal(self.path, frames, self.processors, every=every)
        return self._dealt

    def objects_of(self, place: int) -> Path | None:
        """Where the carried files of one tshark's share go."""
        # tshark makes the folder itself: behind the fence it may run as another user.
        return None if self.objects is None else self.objects / str(place)

    def begin(self, frames: Frames | None) -> None:
        """Start what `passes.read` will want first. `frames` is the framing of the capture, where it is known."""
        if self.options.display_filter:
            self._start(self.by_fields())
            return
        with suppress(Piled):  # told when it is read
            dealt = self.deal(frames) if frames is not None else None
            if dealt is not None and dealt.hands:
                for place, hand in enumerate(dealt.hands):
                    layout = layouts.fast(self.known, lean=dealt.plain, asked=hand.asked)
                    objects = self.objects_of(place)
                    self._start(dissect.command(self.tshark, "-", layout, self.options, objects=objects), stdin=True)
                return
            layout = layouts.fast(self.known)
            self._start(dissect.command(self.tshark, str(self.path), layout, self.options, objects=self.objects))
            few = frames is not None and len(frames) < split.LEAST_PACKETS
            if frames is not None and few and self.processors > 1 and seems_layered(self.path, frames):
                self._start(self.again())

    def _start(self, args: list[str], *, stdin: bool = False) -> None:
        self.early.begin(args, timeout=self.limit, env=self.env, stdin=stdin)
