"""LAT003: low on one or two servers, medium from three; quiet on IPC$ and ordinary shares."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.conftest import fixture_capture
from tests.rules.access import wire
from tests.rules.access.rows import there
from tshark_report.rules.access.admin_shares import admin_shares


def opened(*paths: str) -> Any:
    made = [there(dst=f"10.0.0.{i + 80}", command2=[3], path=p, response=False) for i, p in enumerate(paths)]
    return tables(smb=family("smb", *made))


@pytest.mark.parametrize(("servers", "priority"), [(1, "low"), (2, "low"), (3, "medium")])
def test_priority_by_servers(servers: int, priority: str) -> None:
    found = drafts(admin_shares, opened(*[rf"\\h{i}\ADMIN$" for i in range(servers)]))
    assert [d.priority for d in found] == [priority]


@pytest.mark.parametrize("path", [r"\\h\IPC$", r"\\h\documents", r"\\h\print$", r"\\h\users$"])
def test_quiet_on_other_shares(path: str) -> None:
    assert not drafts(admin_shares, opened(path))


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("lateral_smb")
    found = drafts(admin_shares, loaded(path).tables)
    assert [d.subject for d in found] == ["10.20.0.66"]
    assert wire.exact(path, found[0])


def test_smb1_too() -> None:
    row = there(command1=[0x73, 0x75], path=r"\\h\ADMIN$", response=False)
    found = drafts(admin_shares, tables(smb=family("smb", row)))
    assert "smb.path" in found[0].display_filter
