"""What this machine has, and what a capture will want of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tshark_report.errors import UsageError

BASE_BYTES = 450_000_000
"""Memory of a worker and its tshark with a small capture (measured: 270 MB and 160 MB)."""
BYTES_PER_BYTE = 12
"""Memory for each byte of capture. Measured with 200-byte packets, which is near the worst: 0.9 kB a packet in tshark
and 1.3 kB in our tables."""
GZIP = 5
"""How many times a compressed capture is taken to grow."""
SHARE = 0.8
"""Share of the available memory that is used where the user says nothing."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def cores() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # pragma: no cover  (not on every system)
        return os.cpu_count() or 1


def size(text: str) -> int:
    """Bytes of `4G`, `500M`, `1.5g`.

    Raises:
        UsageError: it is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?\s*", text, flags=re.IGNORECASE)
    if not found or float(found[1]) <= 0:
        raise UsageError("this is not a size", detail=text, next_step="for example 4G or 500M")
    return int(float(found[1]) * _UNITS[found[2].lower()])


def available() -> int:
    """Bytes of memory that can be used: what the system has free, and what a container allows; 4 GB where unknown."""
    found = []
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        if match := re.search(r"MemAvailable:\s+(\d+) kB", text):
            found.append(int(match[1]) * 1024)
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        if limit.isdigit():
            found.append(int(limit))
    except OSError:
        pass  # not Linux, or no container
    return int(min(found, default=4 * 10**9) * SHARE)


def need(name: str, size_in_bytes: int) -> int:
    """Bytes of memory that a capture is expected to need while it is read; on the safe side."""
    grown = size_in_bytes * (GZIP if name.lower().endswith(".gz") else 1)
    return BASE_BYTES + BYTES_PER_BYTE * grown


def cost(size_in_bytes: int) -> float:
    """Seconds that a capture takes one worker, about; only the ratio of two of them matters."""
    return 0.7 + size_in_bytes / 5e6
