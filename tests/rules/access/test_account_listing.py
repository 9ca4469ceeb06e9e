"""LAT006: medium at five servers, low at fifty calls; quiet below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.rules.access import wire
from tests.rules.access.rows import there
from tshark_report.rules.access.account_listing import account_listing

SRVSVC = "4b324fc8-1670-01d3-1278-5a47bf6ee188"


def asked(servers: int, calls: int) -> Any:
    made = [there(dst=f"10.0.0.{i % servers + 80}", protocol="SRVSVC", kind=0, opnum=12) for i in range(calls)]
    return tables(dcerpc=family("dcerpc", *made))


@pytest.mark.parametrize(("servers", "calls", "priority"), [(5, 5, "medium"), (4, 50, "low"), (4, 49, ""), (1, 1, "")])
def test_priority(servers: int, calls: int, priority: str) -> None:
    assert [d.priority for d in drafts(account_listing, asked(servers, calls))] == ([priority] if priority else [])


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for i in range(6):
        calls = [(12, b"\0" * 60), (21, b"\0" * 30)]
        frames += wire.rpc_session(i, wire.CLIENT, f"10.0.0.{i + 80}", (45000 + i, 49671), SRVSVC, 3, calls)
    path = wire.write(tmp_path / "sessions.pcap", frames)
    found = drafts(account_listing, loaded(path).tables)
    assert len(found[0].frames) == 6
    assert wire.exact(path, found[0])
