"""LAT005: fires at ten tries within minutes; quiet below and on a machine that starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, tables
from tests.rules.access import wire
from tests.rules.access.rows import there
from tshark_report.rules.access.machine_account_logins import machine_account_logins

NETLOGON = "12345678-1234-abcd-ef00-01234567cffb"


def tries(number: int, *, gap: float = 0.1) -> Any:
    made = [
        there(protocol="RPC_NETLOGON", kind=0, opnum=o, time=START + i * gap) for i in range(number) for o in (4, 26)
    ]
    return tables(dcerpc=family("dcerpc", *made))


def test_fires_at_ten_tries() -> None:
    found = drafts(machine_account_logins, tries(10))
    assert [d.priority for d in found] == ["high"]
    assert "No password was set" in found[0].summary


def test_quiet_at_nine_and_over_days() -> None:
    assert not drafts(machine_account_logins, tries(9))
    assert not drafts(machine_account_logins, tries(40, gap=600.0))


def test_on_the_wire_with_a_password_set(loaded: Any, tmp_path: Path) -> None:
    calls = [c for _ in range(55) for c in ((4, b"\0" * 40), (26, b"\0" * 90))] + [(30, b"\0" * 600), (3, b"\0" * 30)]
    path = wire.write(
        tmp_path / "netlogon.pcap", wire.rpc_session(0, wire.CLIENT, wire.SERVER, (45000, 49672), NETLOGON, 1, calls)
    )
    found = drafts(machine_account_logins, loaded(path).tables)
    assert found[0].confidence == "high"
    assert "1 NetrServerPasswordSet call followed" in found[0].summary
    assert wire.exact(path, found[0])
