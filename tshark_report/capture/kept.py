"""Small answers that depend on a program alone, kept between runs in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path


def folder() -> Path:
    """Where small things that do not depend on a capture are kept between runs."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tshark-report"


def of_program(what: str, program: str, more: str = "") -> Path | None:
    """Where an answer that depends on `program` is kept: under its place, size and time; None where it is not there."""
    try:
        place = Path(shutil.which(program) or program).resolve()
        state = place.stat()
    except OSError:
        return None
    mark = f"{place} {state.st_size} {state.st_mtime_ns} {more}"
    return folder() / f"{what}-{hashlib.sha256(mark.encode('utf-8', 'surrogateescape')).hexdigest()[:20]}.txt"


def read(kept: Path | None) -> str | None:
    """What was kept; None where nothing readable was."""
    try:
        return kept.read_text(encoding="utf-8") if kept is not None else None
    except (OSError, UnicodeDecodeError):
        return None


def write(kept: Path | None, text: str) -> None:
    """Keep an answer; a cache that cannot be written costs a fraction of a second, not the report."""
    if kept is None:
        return
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside = kept.with_name(f"{kept.name}.{os.getpid()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(kept)
    except OSError:
        pass
