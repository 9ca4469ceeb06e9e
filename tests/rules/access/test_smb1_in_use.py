"""LAT008: information at the first SMB 1 session; quiet on a negotiation and on SMB 2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.conftest import case_capture
from tests.rules.access import wire
from tests.rules.access.rows import there
from tshark_report.rules.access.smb1_in_use import smb1_in_use


def sent(**columns: Any) -> Any:
    return tables(smb=family("smb", there(response=False, **columns)))


def test_fires_at_one_session() -> None:
    assert [d.priority for d in drafts(smb1_in_use, sent(command1=[0x73, 0xFF]))] == ["info"]


def test_quiet_on_a_negotiation_and_on_smb2() -> None:
    assert not drafts(smb1_in_use, sent(command1=[0x72]))
    assert not drafts(smb1_in_use, sent(command2=[1]))


def test_quiet_on_smb_without_ip() -> None:
    assert not drafts(smb1_in_use, sent(command1=[0x73], src=None, dst=None))


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("hn_attack_trace_lsass")
    found = drafts(smb1_in_use, loaded(path).tables)
    assert wire.exact(path, found[0])
