"""Folders for fenced programs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def places() -> Iterator[tuple[Path, Path]]:
    """A scratch folder, and a folder with a secret beside it; where anybody may go, as temporary folders mostly are."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as outside:
        (Path(outside) / "secret").write_text("a secret")
        yield Path(scratch), Path(outside)
