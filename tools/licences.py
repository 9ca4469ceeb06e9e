"""Write docs/licences.md: name, version and licence of every pinned package, as pip-licenses reads them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
HEAD = """# Licences of what is pinned

<!-- Written by `make licences`; do not edit. -->

What `requirements.lock` brings along. tshark, capinfos and editcap are Wireshark's (GPL-2.0-or-later); they are started
as programs of their own and are not part of this package.

"""


def main() -> None:
    """Write the page."""
    lines = (TOP / "requirements.lock").read_text(encoding="utf-8").splitlines()
    names = [re.split(r"[=\[ ;]", line)[0] for line in lines if line and not line.startswith(("#", "-"))]
    done = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--format=markdown", "--packages", *names], capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    (TOP / "docs" / "licences.md").write_text(HEAD + done.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
