"""LOG007: fires at five RC4 tickets under AES sessions; quiet below, on AES, and where all is RC4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, tables
from tests.rules.access import wire
from tests.rules.access.rows import back
from tshark_report.rules.access.weak_ticket_requests import weak_ticket_requests


def tickets(number: int, etypes: list[int], *, gap: float = 1.0, service: str = "MSSQLSvc") -> Any:
    made = [
        back(src_port=88, transport="udp", kind=13, etypes=etypes, service=service, time=START + i * gap)
        for i in range(number)
    ]
    return tables(kerberos=family("kerberos", *made))


def test_fires_at_five() -> None:
    found = drafts(weak_ticket_requests, tickets(5, [23, 18]))
    assert [(d.priority, d.confidence) for d in found] == [("high", "medium")]


def test_quiet_at_four() -> None:
    assert not drafts(weak_ticket_requests, tickets(4, [23, 18]))


def test_quiet_on_look_alikes() -> None:
    assert not drafts(weak_ticket_requests, tickets(20, [18, 18]))
    assert not drafts(weak_ticket_requests, tickets(20, [23, 23]))
    assert not drafts(weak_ticket_requests, tickets(20, [23, 18], gap=600.0))
    assert not drafts(weak_ticket_requests, tickets(20, [23, 18], service="krbtgt"))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for i in range(6):
        reply = wire.tgs_rep("bob", "OFFICE.EXAMPLE", f"svc{i}", 23, 18)
        strong = wire.tgs_rep("bob", "OFFICE.EXAMPLE", f"web{i}", 18, 18)
        frames += [
            (i, wire.udp("10.0.0.10", wire.CLIENT, 88, 51000 + i, reply)),
            (i + 0.5, wire.udp("10.0.0.10", wire.CLIENT, 88, 52000 + i, strong)),
        ]
    path = wire.write(tmp_path / "tickets.pcap", frames)
    found = drafts(weak_ticket_requests, loaded(path).tables)
    assert "as bob got 6 service tickets" in found[0].summary
    assert wire.exact(path, found[0])
