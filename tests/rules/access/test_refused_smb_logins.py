"""LOG005: fires at ten refusals or five names; quiet below, on Windows' own retries and on mistyping."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import START, drafts, family, tables
from tests.conftest import fixture_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.refused_smb_logins import refused_smb_logins

FAILURE = 0xC000006D


def tries(number: int, *, names: int = 1, gap: float = 1.0, status: int = FAILURE, command: int = 1) -> Any:
    made = []
    for i in range(number):
        when = START + i * gap
        made.append(
            there(
                dst_port=445,
                stream=i,
                user=f"user{i % names}",
                domain="OFFICE",
                command2=[1],
                response=False,
                time=when,
            )
        )
        made.append(back(src_port=445, stream=i, status=status, command2=[command], response=True, time=when + 0.1))
    return tables(smb=family("smb", *made))


def test_fires_at_ten_refusals() -> None:
    found = drafts(refused_smb_logins, tries(10))
    assert [(d.priority, d.hosts) for d in found] == [("high", (rows.CLIENT, rows.SERVER))]
    assert "10 × STATUS_LOGON_FAILURE" in found[0].summary


def test_quiet_at_nine() -> None:
    assert not drafts(refused_smb_logins, tries(9))


def test_fires_at_five_names() -> None:
    assert drafts(refused_smb_logins, tries(5, names=5))
    assert not drafts(refused_smb_logins, tries(4, names=4))


@pytest.mark.parametrize(
    "other",
    [{"status": 0xC0000016}, {"command": 3}, {"gap": 60.0}],
    ids=["more-processing", "tree-connect", "mapped-drive"],
)
def test_quiet_on_look_alikes(other: dict[str, Any]) -> None:
    assert not drafts(refused_smb_logins, tries(20, **other))


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("password_guessing")
    found = drafts(refused_smb_logins, loaded(path).tables)
    assert [d.subject for d in found] == ["10.20.0.66"]
    assert "as manager" in found[0].summary
    assert wire.exact(path, found[0])


def test_tells_of_the_login_that_worked() -> None:
    made = tries(10).smb.to_dicts()
    made.append(there(dst_port=445, stream=50, user="user0", command2=[1], response=False, time=START + 30))
    made.append(back(src_port=445, stream=50, status=0, command2=[1], response=True, time=START + 30.1))
    found = drafts(refused_smb_logins, tables(smb=family("smb", *[r | {"frame": i + 1} for i, r in enumerate(made)])))
    assert "A login as user0" in found[0].summary
