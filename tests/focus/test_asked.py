"""What was asked for, before anything is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tshark_report.focus.asked import Asked


def test_nothing_asked_is_false() -> None:
    assert not Asked()
    assert Asked(values=("a",))
    assert Asked(lists=(Path("a"),))
    assert Asked(alerts=(Path("a"),))
    assert Asked(moments=(0.0,))


def test_it_costs_no_import() -> None:
    code = "import sys, tshark_report.focus.asked; print('polars' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )
