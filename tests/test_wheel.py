"""The wheel holds everything that a report needs besides its dependencies."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def test_templates_and_knowledge_ship(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, TOP],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    # Compiled templates are made where they are used, as compiled modules are.
    assert not [name for name in names if "__pycache__" in name]
    for path in filter(Path.is_file, (TOP / "templates").iterdir()):
        assert f"tshark_report/_templates/{path.name}" in names
    for path in (TOP / "tshark_report" / "knowledge").glob("*.toml"):
        assert f"tshark_report/knowledge/{path.name}" in names
    assert "tshark_report/py.typed" in names
    assert not [n for n in names if n.startswith(("tests/", "fixtures/"))]
