"""WLN002: stations that cannot join."""

from __future__ import annotations

from tests.builders import START, drafts, family, packets, tables
from tshark_report.rules.transport.failed_wlan_logins import failed_wlan_logins
from tshark_report.tables.tables import Tables

CELL, STATION = "02:00:00:00:00:c1", "02:00:00:00:00:51"


def answered(number: int, subtype: int = 0x01, status: int = 17, eap: int | None = None) -> Tables:
    rows = ({"subtype": subtype, "bssid": CELL, "status": status, "eap": eap} for _ in range(number))
    ends = ({"eth_src": CELL, "eth_dst": STATION} for _ in range(number))
    return tables(wlan=family("wlan", *rows), packets=packets(*ends))


def test_fires_at_three() -> None:
    found = drafts(failed_wlan_logins, answered(3))
    assert [(d.subject, d.priority) for d in found] == [(CELL, "low")]
    assert "3 x status 17 too many stations" in found[0].summary
    assert not drafts(failed_wlan_logins, answered(2))


def test_medium_from_ten() -> None:
    assert drafts(failed_wlan_logins, answered(10))[0].priority == "medium"
    assert drafts(failed_wlan_logins, answered(9))[0].priority == "low"


def test_eap_failures_count() -> None:
    assert "EAP failure" in drafts(failed_wlan_logins, answered(3, subtype=0x28, status=0, eap=4))[0].summary


def test_quiet_on_success_and_other_frames() -> None:
    assert not drafts(failed_wlan_logins, answered(9, status=0))
    assert not drafts(failed_wlan_logins, answered(9, subtype=0x08))
    assert not drafts(failed_wlan_logins, answered(9, subtype=0x28, status=0, eap=3))


def test_one_wrong_key_is_enough() -> None:
    assert (
        "challenge failure (wrong key)" in drafts(failed_wlan_logins, answered(1, subtype=0x0B, status=15))[0].summary
    )


def handshake(messages: int, *, reason: int = 2, later: float = 3.0) -> Tables:
    times = [START + n * 1.0 for n in range(messages)]
    rows = [{"subtype": 0x28, "bssid": CELL, "time": at} for at in times]
    rows.append({"subtype": 0x0C, "bssid": CELL, "reason": reason, "time": times[-1] + later})
    ends = [{"eth_src": CELL, "eth_dst": STATION, "protocol": "EAPOL"} for _ in times]
    return tables(wlan=family("wlan", *rows), packets=packets(*ends, {"eth_src": CELL, "eth_dst": STATION}))


def test_a_key_handshake_that_was_repeated() -> None:
    found = drafts(failed_wlan_logins, handshake(3))
    assert "the key handshake (EAPOL) failed" in found[0].summary
    assert list(found[0].frames) == [4]
    assert not drafts(failed_wlan_logins, handshake(2))
    assert not drafts(failed_wlan_logins, handshake(3, reason=3))
    assert not drafts(failed_wlan_logins, handshake(3, later=15.5))
