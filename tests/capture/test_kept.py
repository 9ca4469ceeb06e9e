"""Small answers kept between runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tshark_report.capture import kept


def test_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = kept.of_program("x", "/bin/sh", "more")
    assert kept.read(place) is None
    kept.write(place, "answer")
    assert kept.read(place) == "answer"
    assert kept.of_program("x", "/bin/sh", "other") != place
    assert kept.of_program("x", "/nonexistent/program") is None
    kept.write(None, "nothing")
    assert kept.read(None) is None
