"""LAT001: high on administrative shares and on spreading; less on ordinary shares; quiet on documents and policies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import drafts, family, files, signatures, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import there
from tshark_report.rules.access.executables_over_smb import executables_over_smb

ADMIN, SHARE, POLICY = r"\\srv\C$", r"\\srv\docs", r"\\dc\SYSVOL"


def copied(name: str, share: str, *, write: bool = True, servers: tuple[str, ...] = (rows.SERVER,), **more: Any) -> Any:
    made = []
    for stream, server in enumerate(servers):
        ends = {"dst": server, "stream": stream, "dst_port": 445, "response": False, "path": share}
        made.append(there(command2=[5], file=name) | ends)
        made.append(there(command2=[9], write_bytes=45_000) | ends if write else there(command2=[8]) | ends)
    return tables(smb=family("smb", *made), **more)


def stub(stream: int = 0) -> Any:
    return signatures({"kind": "dos-stub", "stream": stream})


def test_high_on_an_administrative_share() -> None:
    found = drafts(executables_over_smb, copied(r"Temp\tool.exe", ADMIN, signatures=stub()))
    assert [(d.priority, d.confidence) for d in found] == [("high", "high")]
    assert "MZ" in found[0].summary
    assert r"Temp\tool.exe" in found[0].summary
    row = dict(zip((c.name for c in found[0].evidence.columns), found[0].evidence.rows[0], strict=True))
    assert (row["client"], row["server"], row["direction"]) == (rows.CLIENT, rows.SERVER, "written")
    assert found[0].hosts == (rows.CLIENT, rows.SERVER)


def test_high_where_one_program_goes_to_two_servers() -> None:
    two = drafts(executables_over_smb, copied("tool.exe", SHARE, servers=("10.0.0.81", "10.0.0.82")))
    assert two[0].priority == "high"
    one = drafts(executables_over_smb, copied("tool.exe", SHARE, servers=("10.0.0.81",)))
    assert one[0].priority == "low"


def test_medium_where_a_program_is_written_to_an_ordinary_share() -> None:
    assert drafts(executables_over_smb, copied("tool.exe", SHARE, signatures=stub()))[0].priority == "medium"


def test_low_where_programs_are_started_from_a_share() -> None:
    names = ("app.exe", "one.dll", "two.dll")
    made = [there(command2=[c], file=n if c == 5 else None, path=SHARE, response=False) for n in names for c in (5, 8)]
    found = drafts(executables_over_smb, tables(smb=family("smb", *made)))
    assert [d.priority for d in found] == ["low"]
    assert "2 other programs" in found[0].summary


@pytest.mark.parametrize(
    ("name", "share"),
    [("setup-notes.txt", ADMIN), ("report.docx", SHARE), ("logon.bat", POLICY), ("www.example.com", SHARE)],
)
def test_quiet_on_look_alikes(name: str, share: str) -> None:
    assert not drafts(executables_over_smb, copied(name, share, write=share != POLICY))


def test_content_counts_where_the_name_says_nothing() -> None:
    held = files({"name": "logo.gif", "protocol": "smb", "detected_type": "Windows executable (PE)", "bytes": 45_000})
    found = drafts(executables_over_smb, copied("logo.gif", ADMIN, files=held))
    assert [(d.priority, d.confidence) for d in found] == [("high", "high")]
    assert "0" * 64 in found[0].summary


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("lateral_smb")
    found = drafts(executables_over_smb, loaded(path).tables)
    assert [(d.priority, d.hosts) for d in found] == [("high", ("10.20.0.66", "10.20.0.31", "10.20.0.32"))]
    assert "as administrator" in found[0].summary
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("mal_mimikatz_smb")
    found = drafts(executables_over_smb, loaded(path).tables)
    assert r"\\admin-pc\c$" in found[0].summary
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_quiet_on_ordinary_smb3(loaded: Any) -> None:
    assert not drafts(executables_over_smb, loaded(case_capture("zeek_smb3")).tables)


def test_opened_only() -> None:
    row = there(command2=[5], file="tool.exe", path=ADMIN, response=False)
    assert drafts(executables_over_smb, tables(smb=family("smb", row)))[0].priority == "medium"
    assert drafts(executables_over_smb, tables(smb=family("smb", row | {"path": SHARE})))[0].priority == "info"
