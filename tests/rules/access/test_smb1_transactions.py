"""EXP001: a reserved request or a flood of pieces; quiet on ordinary transactions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.conftest import case_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.smb1_transactions import smb1_transactions

NOT_IMPLEMENTED = 0xC0000002


def asked(command: int, trans2: int | None = None) -> dict[str, Any]:
    return there(dst_port=445, command1=[command], trans2=trans2, response=False, multiplex=[65])


def answered(multiplex: int) -> dict[str, Any]:
    return back(src_port=445, command1=[0x32], response=True, status=NOT_IMPLEMENTED, multiplex=[multiplex])


def smb(*made: dict[str, Any]) -> Any:
    return tables(smb=family("smb", *made))


def test_medium_on_one_reserved_request() -> None:
    found = drafts(smb1_transactions, smb(asked(0x32, 0x0E), answered(65)))
    assert [(d.priority, d.hosts) for d in found] == [("medium", (rows.SERVER, rows.CLIENT))]


def test_high_where_the_back_door_answers() -> None:
    found = drafts(smb1_transactions, smb(asked(0x32, 0x0E), answered(81)))
    assert found[0].priority == "high"
    assert "DoublePulsar" in found[0].summary


def test_fires_at_eight_pieces() -> None:
    assert drafts(smb1_transactions, smb(*[asked(0x33) for _ in range(8)]))
    assert not drafts(smb1_transactions, smb(*[asked(0x33) for _ in range(7)]))


def test_high_on_a_flood_with_a_reserved_request() -> None:
    found = drafts(smb1_transactions, smb(asked(0x32, 0x0E), *[asked(0x33) for _ in range(8)]))
    assert [(d.priority, d.confidence) for d in found] == [("high", "high")]


@pytest.mark.parametrize("trans2", [0x05, 0x07, 0x10, 0xFFFF])
def test_quiet_on_ordinary_transactions(trans2: int) -> None:
    assert not drafts(smb1_transactions, smb(*[asked(0x32, trans2) for _ in range(20)], answered(65)))


def test_a_server_without_the_update_is_told() -> None:
    lacking = back(src_port=445, command1=[0x25], response=True, status=0xC0000205, multiplex=[65])
    found = drafts(smb1_transactions, smb(asked(0x25), lacking))
    assert "without the update" in found[0].summary
    assert list(found[0].frames) == [2]


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("eternalblue_win7")
    found = drafts(smb1_transactions, loaded(path).tables)
    assert [(d.priority, d.hosts) for d in found] == [("high", ("192.168.198.203", "192.168.198.204"))]
    assert "DoublePulsar" in found[0].summary
    assert wire.exact(path, found[0])
