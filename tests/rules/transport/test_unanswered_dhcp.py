"""NET002: clients without an address."""

from __future__ import annotations

from typing import Any

from tests.builders import START, drafts, family, packets, tables
from tshark_report.rules.transport.unanswered_dhcp import unanswered_dhcp
from tshark_report.tables.tables import Tables

MAC = "02:00:00:00:00:99"


def captured(*kinds: int, traffic: int = 100, mac: str = MAC) -> Tables:
    rows: list[dict[str, Any]] = [
        {"kind": kind, "client_mac": mac, "hostname": "lost", "id": n, "time": START + n * 4, "transport": "udp"}
        for n, kind in enumerate(kinds)
    ]
    return tables(dhcp=family("dhcp", *rows), packets=packets(*({} for _ in range(traffic))))


def test_fires_at_three_messages() -> None:
    found = drafts(unanswered_dhcp, captured(1, 1, 1))
    assert [(d.subject, d.priority) for d in found] == [(MAC, "low")]
    assert "asked 3 times by DHCP for an address within 8.00 s" in found[0].summary
    assert not drafts(unanswered_dhcp, captured(1, 1))


def test_medium_where_the_capture_is_about_it() -> None:
    assert drafts(unanswered_dhcp, captured(1, 1, 1, traffic=12))[0].priority == "medium"
    assert drafts(unanswered_dhcp, captured(1, 1, 1, traffic=13))[0].priority == "low"


def test_tells_refusals() -> None:
    assert "1 refusal (NAK)" in drafts(unanswered_dhcp, captured(1, 1, 1, 3, 6))[0].summary


def test_quiet_where_an_offer_came() -> None:
    assert not drafts(unanswered_dhcp, captured(1, 1, 1, 2))


def test_quiet_on_renewals() -> None:
    assert not drafts(unanswered_dhcp, captured(3, 3, 3))


def several(clients: int, *extra: dict[str, Any], talks: int = 0) -> Tables:
    rows: list[dict[str, Any]] = [
        {"kind": 1, "client_mac": f"02:00:00:00:01:{n:02x}", "hostname": f"pc-{n}", "time": START + n + 4 * k}
        for n in range(clients)
        for k in range(3)
    ]
    spoke = [{"eth_src": f"02:00:00:00:01:{n:02x}", "src": "10.0.0.9", "time": START + 60} for n in range(talks)]
    return tables(dhcp=family("dhcp", *rows, *extra), packets=packets(*({} for _ in range(100)), *spoke))


def test_nobody_served_is_one_event() -> None:
    found = drafts(unanswered_dhcp, several(3))
    assert [(d.subject, d.priority) for d in found] == [("DHCP without an answer", "medium")]
    assert "3 clients asked 9 times by DHCP" in found[0].summary
    assert list(found[0].frames) == list(range(1, 10))
    assert [d.priority for d in drafts(unanswered_dhcp, several(2))] == ["low", "low"]


def test_not_where_a_server_answers_somebody_or_the_clients_work() -> None:
    offer = {"kind": 2, "client_mac": "02:00:00:00:02:00", "time": START + 2}
    assert {d.priority for d in drafts(unanswered_dhcp, several(3, offer))} == {"low"}
    assert {d.priority for d in drafts(unanswered_dhcp, several(3, talks=1))} == {"low"}
