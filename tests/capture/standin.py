"""Programs that stand in for tshark, for faults that the real one cannot be made to show."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

VERSION = "TShark (Wireshark) 4.0.17 (stand-in)."


def make(folder: Path, body: str, *, version: str = VERSION) -> str:
    """A program in `folder` that answers `--version` and otherwise runs `body` (Python; `args` holds its arguments)."""
    path = folder / "tshark"
    path.write_text(
        f"#!{sys.executable}\nimport sys, time, os, signal\nargs = sys.argv[1:]\n"
        f"if args == ['--version']:\n    print({version!r}); sys.exit(0)\n"
        + "".join(line + "\n" for line in body.splitlines())
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
