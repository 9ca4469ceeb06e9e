"""Captures are found by what they are, and nothing that promises to be one is passed over in silence."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.batch.made import pcap, question
from tshark_report.batch import discover
from tshark_report.errors import UsageError


def _names(looked: discover.Looked) -> list[str]:
    return sorted(f.name for f in looked.found)


def test_content_decides(tmp_path: Path) -> None:
    good = pcap(tmp_path / "deep" / "down" / "evidence", question("a.example")).read_bytes()
    (tmp_path / "packed.bin").write_bytes(gzip.compress(good))
    (tmp_path / "notes.txt").write_text("a text")
    (tmp_path / "archive.gz").write_bytes(gzip.compress(b"a text"))
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8b\x00rubbish")
    looked = discover.look([str(tmp_path)])
    assert _names(looked) == ["evidence", "packed.bin"]
    assert looked.passed_over == 3
    assert looked.failures == []


def test_a_name_that_promises_a_capture_is_never_passed_over(tmp_path: Path) -> None:
    for name in ("text.pcap", "empty.pcapng", "old.pcap7", "ring.cap.3", "cut.pcap.gz"):
        (tmp_path / name).write_text("")
    assert len(discover.look([str(tmp_path)]).found) == 5


def test_largest_first_then_by_path(tmp_path: Path) -> None:
    pcap(tmp_path / "b.pcap", question("a.example"))
    pcap(tmp_path / "a.pcap", question("a.example"))
    pcap(tmp_path / "c.pcap", question("a.example"), question("b.example"))
    assert [f.name for f in discover.look([str(tmp_path)]).found] == ["c.pcap", "a.pcap", "b.pcap"]


def test_links_pipes_and_the_output_itself(tmp_path: Path) -> None:
    real = pcap(tmp_path / "in" / "a.pcap", question("a.example"))
    (tmp_path / "in" / "link.pcap").symlink_to(real)
    (tmp_path / "in" / "dead.pcap").symlink_to(tmp_path / "gone")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe.pcap")
    pcap(tmp_path / "in" / "out" / "evidence.pcap", question("b.example"))
    looked = discover.look([str(tmp_path / "in")], skip=tmp_path / "in" / "out")
    assert _names(looked) == ["a.pcap", "link.pcap"]


def test_a_root_twice_is_read_once_and_a_file_is_always_taken(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no capture")
    assert [f.path for f in discover.look([str(path), str(path)]).found] == [str(path)]


def test_a_missing_root_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        discover.look([str(tmp_path / "gone")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    closed = pcap(tmp_path / "closed.pcap", question("a.example"))
    closed.chmod(0)
    (tmp_path / "folder").mkdir(mode=0)
    looked = discover.look([str(tmp_path)])
    assert {f.what for f in looked.failures} == {"the capture is not readable", "the folder cannot be looked into"}


def test_names_that_are_no_text() -> None:
    assert discover.json_safe("a\udcff.pcap") == "a\\xff.pcap"
