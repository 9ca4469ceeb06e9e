"""Cut chosen frames out of a capture into a small pcapng, with comments that say which finding they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tshark_report.capture import process
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import TsharkMissing

MOST_RANGES = 500
"""editcap takes 512 selections at most (MAX_SELECTIONS in editcap.c)."""
MOST_COMMENTS = 400
"""Comments travel as arguments; so many stay far below the system's limit."""


def ranges(frames: Sequence[int]) -> list[str]:
    """Frame numbers as editcap writes them: `7`, `12-19`; at most MOST_RANGES, the earliest ones."""
    made: list[list[int]] = []
    for number in sorted(set(frames)):
        if made and number == made[-1][1] + 1:
            made[-1][1] = number
        else:
            made.append([number, number])
    return [str(a) if a == b else f"{a}-{b}" for a, b in made[:MOST_RANGES]]


def cut(
    tshark: Tshark,
    source: Path,
    target: Path,
    frames: Sequence[int],
    comments: Mapping[int, str],
    env: dict[str, str],
    timeout: float,
) -> bool:
    """Write `frames` of `source` to `target`; False where that did not work.

    Raises:
        TsharkMissing: editcap, which comes with tshark, is not there.
    """
    program = tshark.companion("editcap")
    if program is None:
        raise TsharkMissing(
            "editcap was not found",
            detail=f"it comes with tshark and was expected beside {tshark.path}",
            causes=("Wireshark's tools are installed in part",),
            next_step="tshark-report doctor",
        )
    if not frames:
        return False
    args = [program, "-F", "pcapng"]
    for number, text in sorted(comments.items())[:MOST_COMMENTS]:
        args += ["-a", f"{number}:{text}"]
    done = process.run([*args, "-r", str(source), str(target), *ranges(frames)], timeout=timeout, env=env)
    # Exit code 2 and a written file: the source is cut short, which the report says already.
    return target.exists() and target.stat().st_size > 0 and done.code in (0, 2)
