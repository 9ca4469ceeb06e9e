"""How long a pass over a capture may take. Apart from the reading itself: who waits for others loads no tables."""

from __future__ import annotations

BASE_SECONDS = 120.0
SECONDS_PER_MB = 4.0
"""Deadline of a pass: tshark reads 10 to 30 MB a second; the slowest dissector seen (VNC) needed 8 s for a MB."""

MOST_DEADLINES = 4.0
"""Deadlines that reading a capture takes at the most, second tries for a tshark that died or was late included."""


def deadline(file_bytes: int) -> float:
    """Seconds that a pass over a file may take."""
    return BASE_SECONDS + SECONDS_PER_MB * file_bytes / 1e6
