"""What this machine has, and what a capture will want of it."""

from __future__ import annotations

import os
import random

from tshark_report.capture import room
from tshark_report.errors import UsageError

BASE_BYTES = 550_000_000
"""Memory of a worker and its tsharks with a small capture. Measured, all processes together: 250 to 495 MB, the most
where two tsharks run at once, one to count filters and one to decode cited packets (docs/performance-batch.md)."""
BYTES_PER_BYTE = 12
"""Memory for each byte of capture. What counts is packets: above the base 1.2 kB (bare SYNs, repeated traffic of many
kinds) to 1.8 kB (web and file traffic) a packet were measured at a million and at 300,000 packets. That is 4 to 9 bytes
a byte with packets of 330 and 210 bytes, and 17 with bare SYNs, which `Pool` meets by measuring."""
GZIP = 5
"""How many times a compressed capture is taken to grow."""
SHARE = 0.8
"""Share of the available memory that is used where the user says nothing."""


def cores() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # pragma: no cover  (not on every system)
        return os.cpu_count() or 1


def some(jobs: int) -> list[int]:
    """Numbers of as many processors as there are jobs, which the jobs keep to; none where they may use all.

    A job is a Python and a tshark, each of which can keep a processor busy for a while: without this, one job takes
    more than one processor. They are drawn by lot, so that two batches on one machine do not crowd on the same ones.
    """
    if not hasattr(os, "sched_getaffinity"):  # pragma: no cover  (not on every system)
        return []
    have = sorted(os.sched_getaffinity(0))
    return sorted(random.sample(have, jobs)) if jobs < len(have) else []  # noqa: S311 - no secret


def size(text: str) -> int:
    """Bytes of `4G`, `500M`, `1.5g`.

    Raises:
        UsageError: it is no size.
    """
    found = room.size(text)
    if found is None:
        raise UsageError(
            "this is not a size",
            detail=text,
            next_step="for example 4G or 500M",
            causes=("a unit that is none of K, M, G and T", "a word that is no number"),
        )
    return found


def available() -> int:
    """Bytes of memory that can be used: what the system has free, and what a container allows; 4 GB where unknown."""
    left = room.left()
    return int((4 * 10**9 if left is None else left) * SHARE)


def need(name: str, size_in_bytes: int) -> int:
    """Bytes of memory that a capture is expected to need while it is read; on the safe side."""
    grown = size_in_bytes * (GZIP if name.lower().endswith(".gz") else 1)
    return BASE_BYTES + BYTES_PER_BYTE * grown


def cost(size_in_bytes: int) -> float:
    """Seconds that a capture takes one worker, about; only the ratio of two of them matters."""
    return 0.7 + size_in_bytes / 5e6
