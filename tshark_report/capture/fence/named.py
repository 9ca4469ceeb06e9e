"""Which files a command names, so that bubblewrap shows them and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

NOT_PATHS = ("-Y", "-z", "-a", "-e", "-d")
"""Options whose argument may hold text from the wire: never taken for a path to be shown."""


def named(args: Sequence[str]) -> list[str]:
    """Files that a command names: as an argument of their own, or inside a preference."""
    made = []
    for before, arg in zip(args, args[1:], strict=False):
        if before in NOT_PATHS:
            continue
        texts = [arg] if arg.startswith("/") else re.findall(r'/[^",:;\0]+', arg) if before == "-o" else []
        made += [text for text in texts if _is_file(text)]
    return made


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def profile(env: Mapping[str, str]) -> list[str]:
    """The user's Wireshark configuration, where the environment has not replaced it."""
    config = env.get("WIRESHARK_CONFIG_DIR") or str(Path(env.get("HOME", "/nonexistent")) / ".config" / "wireshark")
    return [config] if Path(config).is_dir() else []
