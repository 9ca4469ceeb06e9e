"""Which captures' tables lie below a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.folders import folder
from tshark_report.errors import UsageError
from tshark_report.store import manifest
from tshark_report.store.catalogue import find

PACKET = {"frame": 1, "time": 1.0}


def test_out_of_batch_and_a_folder_of_folders(tmp_path: Path) -> None:
    folder(tmp_path / "OUT/tables/capture=b", packets=[PACKET])
    folder(tmp_path / "OUT/tables/capture=a")
    (tmp_path / "OUT/tables/.capture=c.x.partial").mkdir()
    (tmp_path / "OUT/tables/notes.txt").write_text("not a folder")
    for out in (tmp_path / "OUT", tmp_path / "OUT/tables"):
        found = find(out)
        assert [each.key for each in found.captures] == ["a", "b"]
        assert found.top == tmp_path / "OUT/tables"
        assert found.left_out == []
        assert [each.key for each in found.holding("packets")] == ["b"]


def test_batch_knows_where_the_captures_are(tmp_path: Path) -> None:
    folder(tmp_path / "OUT/tables/capture=a", "x.pcap")
    folder(tmp_path / "OUT/tables/capture=b", "y.pcap")
    (tmp_path / "OUT/index.json").write_text('{"captures": [{"id": "a", "path": "monday/x.pcap", "rank": 1}]}')
    assert [each.named for each in find(tmp_path / "OUT").captures] == ["monday/x.pcap", "y.pcap"]
    for text in ("[]", "{", '{"captures": 3}', ""):
        (tmp_path / "OUT/index.json").write_text(text)
        assert [each.named for each in find(tmp_path / "OUT").captures] == ["x.pcap", "y.pcap"]


def test_one_folder_of_tables(tmp_path: Path) -> None:
    found = find(folder(tmp_path / "mine", packets=[PACKET]))
    assert [each.key for each in found.captures] == ["mine"]


def test_what_is_damaged_is_left_out_with_its_reason(tmp_path: Path) -> None:
    folder(tmp_path / "capture=a")
    broken = folder(tmp_path / "capture=b")
    (broken / manifest.NAME).write_text("{")
    cut = folder(tmp_path / "capture=c", packets=[PACKET]) / "packets.parquet"
    cut.write_bytes(cut.read_bytes()[:40])
    (folder(tmp_path / "capture=d") / "dns.parquet").unlink()
    found = find(tmp_path)
    assert [each.key for each in found.captures] == ["a"]
    reasons = {path.name: reason for path, reason in found.left_out}
    assert list(reasons) == ["capture=b", "capture=c", "capture=d"]
    assert "cannot be read" in reasons["capture=b"]
    assert "packets: 40 bytes" in reasons["capture=c"]
    assert "missing" in reasons["capture=d"]


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "capture=b").mkdir()
    for out, words in (
        (tmp_path / "absent", "does not exist"),
        (Path("s3://bucket/out"), "from folders, not from URLs"),
        (tmp_path / "file", "a file"),
        (tmp_path, "no tables of any capture"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            find(out)
        assert caught.value.next_step
