"""LAT009: many files of a share get one new extension; backups, archives and a few files do not count."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.rules.access import wire
from tshark_report.rules.access.appended_extensions import appended_extensions
from tshark_report.tables.tables import Tables

CLIENT, SERVER = "10.0.0.5", "10.0.0.10"


def worked(number: int, extension: str = "lokbit", *, rename: bool = True, **columns: Any) -> Tables:
    """Files that are opened and then renamed or written anew with an extension behind the whole name."""
    base = {"src": CLIENT, "dst": SERVER, "dst_port": 445, "response": False, "path": r"\\\\10.0.0.10\\docs"} | columns
    rows: list[dict[str, Any]] = []
    for n in range(number):
        rows.append(base | {"file": rf"a\Report-{n}.docx", "command2": [5]})
        rows.append(base | {"file": rf"a\Report-{n}.docx.{extension}", "command2": [17 if rename else 5]})
    return tables(smb=family("smb", *rows))


def test_fires_at_twenty_files() -> None:
    found = drafts(appended_extensions, worked(20))
    assert [(d.priority, d.hosts, len(d.frames)) for d in found] == [("high", (CLIENT, SERVER), 20)]
    assert "gave 20 files of 10.0.0.10" in found[0].summary
    assert "the same new extension .lokbit" in found[0].summary
    assert "20 of them were renamed" in found[0].summary
    assert not drafts(appended_extensions, worked(19))


def test_new_files_beside_the_old_ones_count_too() -> None:
    found = drafts(appended_extensions, worked(20, rename=False))
    assert len(found) == 1
    assert "renamed" not in found[0].summary


@pytest.mark.parametrize("extension", ["bak", "gz", "gpg", "tmp", "sha256", "x:stream"])
def test_quiet_on_what_programs_add_by_habit(extension: str) -> None:
    assert not drafts(appended_extensions, worked(60, extension))


def test_quiet_on_many_extensions_and_on_names_that_were_never_in_use() -> None:
    several = [worked(8, extension).smb for extension in ("aa1", "bb2", "cc3", "dd4")]
    rows = [row for part in several for row in part.to_dicts()]
    assert not drafts(appended_extensions, tables(smb=family("smb", *rows)))
    alone = [row for row in worked(40).smb.to_dicts() if row["file"].endswith("lokbit")]
    assert not drafts(appended_extensions, tables(smb=family("smb", *alone)))
    assert not drafts(appended_extensions, worked(40, response=True))


def test_one_tool_marks_four_in_five() -> None:
    def mixed(other: int) -> Tables:
        rows = [*worked(20).smb.to_dicts(), *worked(other, "locked2").smb.to_dicts()]
        for n, row in enumerate(rows):
            row["frame"] = n + 1
        for row in rows[40:]:
            row["file"] = "b" + row["file"][1:]
        return tables(smb=family("smb", *rows))

    assert drafts(appended_extensions, mixed(5))
    assert not drafts(appended_extensions, mixed(6))


def _create(name: str, message: int) -> bytes:
    """An SMB 2 CREATE request ([MS-SMB2] 2.2.13) with its NetBIOS length."""
    text = name.encode("utf-16-le")
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ16s", 64, 1, 0, 5, 1, 0, 0, message, 0, 5, 9, b"")
    body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x12019F, 0x80, 7, 5, 0, 120, len(text), 0, 0)
    return struct.pack(">I", len(head + body + text)) + head + body + text


def test_filter_selects_the_requests(loaded: Any, tmp_path: Path) -> None:
    requests = [
        _create(name, 2 * n + k)
        for n in range(22)
        for k, name in enumerate((f"Plan-{n}.xlsx", f"Plan-{n}.xlsx.LOKBIT" if n < 21 else "notes.lokbit.txt"))
    ]
    frames = wire.conversation(0.0, CLIENT, SERVER, (45000, 445), [("c", request) for request in requests])
    path = wire.write(tmp_path / "share.pcap", frames)
    found = drafts(appended_extensions, loaded(path).tables)
    assert [len(d.frames) for d in found] == [21]
    assert wire.exact(path, found[0])
