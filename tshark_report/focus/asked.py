"""What a user says that made them look. Light to import: the command line makes it before tshark is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WINDOW_SECONDS = 60.0
"""Seconds before and after a moment (and before the first and after the last contact) that count as shortly."""


@dataclass(frozen=True)
class Asked:
    """Indicators as typed, lists and alert files to be read, and moments in seconds since 1970 UTC."""

    values: tuple[str, ...] = ()
    lists: tuple[Path, ...] = ()
    alerts: tuple[Path, ...] = ()
    moments: tuple[float, ...] = ()
    window: float = WINDOW_SECONDS

    def __bool__(self) -> bool:
        """True where anything was asked for."""
        return bool(self.values or self.lists or self.alerts or self.moments)
