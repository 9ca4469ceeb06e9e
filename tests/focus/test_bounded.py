"""Files from outside: bounded, unpacked, and told about where they cannot be used."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tshark_report.focus import bounded
from tshark_report.focus.bounded import Unreadable


def test_whole_says_where_more_was_there(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"x" * 10)
    assert bounded.whole(path, 10) == (b"x" * 10, False)
    assert bounded.whole(path, 9) == (b"x" * 9, True)


def test_gzip_and_its_bombs(tmp_path: Path) -> None:
    path = tmp_path / "list.gz"
    path.write_bytes(gzip.compress(b"\n" * 50_000_000))
    assert len(bounded.whole(path, 1000)[0]) == 1000
    assert sum(1 for _ in bounded.lines(path, 5000)) == 5000


def test_a_line_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LONGEST_LINE", 100)
    path = tmp_path / "list"
    path.write_bytes(b"y" * 3_000_000 + b"\nnext\r\n")
    found = list(bounded.lines(path))
    assert found[-1] == b"next"
    assert len(found[0]) < 2_000_000


def test_unreadable(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"\x1f\x8b\x08" + b"\x00" * 4)
    for path in (tmp_path / "none", tmp_path, broken):
        with pytest.raises(Unreadable) as caught:
            bounded.whole(path)
        assert path.name in str(caught.value)
        assert str(tmp_path.parent) not in str(caught.value)


def test_encodings() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert bounded.decoded("shop.example\n".encode(encoding)) == "shop.example\n"
    assert "\ufffd" in bounded.decoded(b"\xff\x00bad")
