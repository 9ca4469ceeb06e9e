"""Several capture files, one after the other, as one file: the files of a ring buffer are one recording."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from tshark_report.capture import framing, process
from tshark_report.capture.tshark import Tshark, install_hint
from tshark_report.errors import CaptureUnreadable, TsharkMissing

BASE_SECONDS = 60.0
SECONDS_PER_MB = 0.5
"""mergecap copies 200 MB a second and more; this leaves room for slow disks."""


def as_command(files: Sequence[str], name: str) -> str:
    """The command that joins them, as another person can run it."""
    return shlex.join(["mergecap", "-a", "-w", name, *files])


def in_order(
    tshark: Tshark, files: Sequence[Path], target: Path, env: dict[str, str], timeout: float | None
) -> list[int]:
    """Write the packets of `files`, file after file, to `target` (pcapng); the number of packets of each.

    `-a` keeps the files' order, which is the order in which one unbroken recording would have held them. Nothing is
    dissected and nothing reordered.

    Raises:
        TsharkMissing: mergecap, which is installed with Wireshark's command-line tools, is not there.
        CaptureUnreadable: a file is damaged, or the result does not hold as many packets as the files together.
    """
    program = tshark.companion("mergecap")
    if program is None:
        raise TsharkMissing(
            "mergecap was not found",
            causes=("it is installed beside tshark on most systems",),
            detail="it joins the files of one recording",
            next_step=install_hint(),
        )
    counts = [_packets(path) for path in files]
    limit = timeout or BASE_SECONDS + SECONDS_PER_MB * sum(p.stat().st_size for p in files) / 1e6
    # An absolute path never looks like an option, whatever the file is called.
    args = [program, "-a", "-F", "pcapng", "-w", str(target.absolute()), *(str(p.absolute()) for p in files)]
    done = process.run(args, timeout=limit, env=env)
    if done.timed_out or not target.exists():
        raise CaptureUnreadable(
            "the files could not be joined",
            detail=done.last_error or f"not done in {limit:.0f} s",
            causes=("one of them is damaged or is still being written", "the disk is full"),
            next_step="look at each: capinfos FILE",
        )
    written = _packets(target)
    if written != sum(counts):
        raise CaptureUnreadable(
            "the files could not be joined",
            detail=f"{sum(counts)} packets in {len(files)} files, {written} after joining; {done.last_error}",
            causes=("a file is damaged in its middle",),
            next_step="run without --join: each file is then reported on by itself",
        )
    return counts


def _packets(path: Path) -> int:
    try:
        return len(framing.index(path))
    except (framing.NotFramed, OSError, ValueError) as error:
        raise CaptureUnreadable(
            "a file of this recording is not pcap or pcapng",
            detail=f"{path.name}: {error}",
            causes=("it is damaged", "it is something else with a capture's name"),
            next_step=f"capinfos {path}",
        ) from error
