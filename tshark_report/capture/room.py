"""What of a capture fits into this machine: as many packets as can be read with the memory and the disk there are.

A few megabytes of gzip can hold hundreds of millions of empty packets. Without a bound the system would end tshark, or
us, or somebody else's program.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

BASE_BYTES = 600_000_000
"""Memory of a report on a small capture, all processes together."""

BYTES_A_PACKET = 1_900
"""Memory for each packet of a large capture, all processes together: measured 1.8 to 2.2 kB (docs/performance.md).
The lesser is taken: the bound is against bombs, and a death for want of memory is told as one."""

SHARE = 0.9
"""Of the memory that is available: what a report may use."""

LEAST_PACKETS = 1_000_000
"""Never fewer than these, whatever the system says it has."""

SMALLEST_RECORD = 16
"""Bytes of an empty packet in pcap (its header) and in pcapng (a simple block): a smaller file holds fewer packets."""

UNPACKED_LIMIT = 16 * 1024**3
"""Bytes of a gzip file that are unpacked: far above what can be read as packets, far below a bomb's end."""

DISK_SHARE = 0.5
"""Of the free disk: what an unpacked capture may take, since others need room as well."""

VARIABLE = "TSHARK_REPORT_MEMORY"
"""Variable of the user's: what a report may use (`4G`), on a machine that others need as well."""

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)


def size(text: str) -> int | None:
    """Bytes of `4G`, `500M`, `1.5g`; None for what is no size."""
    found = _SIZE.fullmatch(text)
    return int(float(found[1]) * UNITS[found[2].lower()]) or None if found else None


def left() -> int | None:
    """Bytes of memory that the system has left, and that a container allows; None where unknown."""
    found = []
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        if match := re.search(r"MemAvailable:\s+(\d+) kB", text):
            found.append(int(match[1]) * 1024)
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        if limit.isdigit():
            found.append(int(limit))
    except (OSError, ValueError):
        pass  # not Linux, or no container
    return min(found, default=None)


def memory() -> int | None:
    """Bytes that a report may use: what is left, and no more than the user allows (`VARIABLE`; no size is ignored)."""
    allowed = size(os.environ.get(VARIABLE, ""))
    return min((each for each in (allowed, left()) if each is not None), default=None)


def most_packets() -> int:
    """How many packets fit into the memory that is there; without end where that cannot be told."""
    there = memory()
    if there is None:
        return sys.maxsize - 1
    return max(LEAST_PACKETS, int((there * SHARE - BASE_BYTES) / BYTES_A_PACKET))


def may_hold(file_bytes: int, packets: int) -> bool:
    """Can a file of this size hold more than so many packets?"""
    return file_bytes > packets * SMALLEST_RECORD


def unpacked(scratch: Path) -> int:
    """Bytes that a gzip file may grow to in `scratch`."""
    return min(UNPACKED_LIMIT, int(shutil.disk_usage(scratch).free * DISK_SHARE))
