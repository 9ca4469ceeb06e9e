"""Bounds on memory, processor time and file size, set by a shell."""

from __future__ import annotations

import functools
import os

LEAST_MEMORY = 4 * 1024**3
"""Bytes of address space that tshark gets on any machine: with its libraries it needs 1 GB for a million packets."""

MEMORY_SHARE = 0.75
"""Share of the machine's memory that one process may map: one that eats more takes the machine down with it."""

FILE_LIMIT = 8 * 1024**3
"""Bytes that one file written behind the fence may have: carried files and cuts of a capture, never a full disk."""

CPU_SLACK = 10.0
"""Seconds of processor time beyond the deadline: the deadline ends a process first, unless we are gone."""


def limits_of(timeout: float) -> str:
    """A shell that bounds what follows; a bound that a system does not know is left out."""
    parts = [
        ("-c", 0),
        ("-v", _memory() // 1024),
        ("-t", int(2 * timeout + CPU_SLACK)),
        ("-f", FILE_LIMIT // 512),
    ]
    return "".join(f"ulimit {flag} {number} 2>/dev/null; " for flag, number in parts) + 'exec "$@"'


@functools.cache
def _memory() -> int:
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return LEAST_MEMORY
    return max(LEAST_MEMORY, int(whole * MEMORY_SHARE))
