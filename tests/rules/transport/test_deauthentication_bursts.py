"""WLN001: stations thrown out in bursts."""

from __future__ import annotations

from typing import Any

from tests.builders import START, drafts, family, packets, tables
from tshark_report.rules.scans.deauthentication_flood import deauthentication_flood
from tshark_report.rules.transport.deauthentication_bursts import deauthentication_bursts
from tshark_report.tables.tables import Tables

CELL, EVERYONE = "02:00:00:00:00:c1", "ff:ff:ff:ff:ff:ff"


def thrown_out(number: int, gap: float = 0.1, subtype: int = 0x0C, to: str = EVERYONE) -> Tables:
    rows: list[dict[str, Any]] = [
        {"frame": n + 1, "time": START + n * gap, "subtype": subtype, "bssid": CELL, "reason": 7} for n in range(number)
    ]
    beacon = {"frame": number + 1, "time": START, "subtype": 8, "bssid": CELL, "ssid": "6f6666696365"}
    ends = ({"frame": n + 1, "eth_src": CELL, "eth_dst": to} for n in range(number + 1))
    return tables(wlan=family("wlan", *rows, beacon), packets=packets(*ends))


def test_fires_at_ten_within_ten_seconds() -> None:
    found = drafts(deauthentication_bursts, thrown_out(10))
    assert [(d.subject, d.priority) for d in found] == [(CELL, "low")]
    assert "02:00:00:00:00:c1 (office)" in found[0].summary
    assert "10 of them to everyone (broadcast)" in found[0].summary
    assert not drafts(deauthentication_bursts, thrown_out(9))


def test_the_window_counts() -> None:
    assert drafts(deauthentication_bursts, thrown_out(10, 10 / 9))
    assert not drafts(deauthentication_bursts, thrown_out(20, 1.2))


def test_a_flood_is_told_once() -> None:
    assert drafts(deauthentication_bursts, thrown_out(19))
    assert not drafts(deauthentication_flood, thrown_out(19))
    assert not drafts(deauthentication_bursts, thrown_out(20))
    assert [d.subject for d in drafts(deauthentication_flood, thrown_out(20))] == [CELL]


def test_quiet_on_other_management_frames() -> None:
    assert drafts(deauthentication_bursts, thrown_out(15, subtype=0x0A))
    assert not drafts(deauthentication_bursts, thrown_out(15, subtype=0x08))
