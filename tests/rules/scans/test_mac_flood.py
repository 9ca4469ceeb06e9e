"""LNK005: more MAC addresses than machines."""

from __future__ import annotations

from tests.builders import START, drafts, packets, tables
from tests.rules.scans.conftest import Wire
from tshark_report.rules.scans.mac_flood import mac_flood


def frames(count: int, talkers: int = 0, step: float = 0.01, protocols: str = "eth:ethertype:ip") -> list[dict]:
    rows = [
        {"eth_src": f"5e:00:00:00:{n // 256:02x}:{n % 256:02x}", "time": START + n * step, "protocols": protocols}
        for n in range(count)
    ]
    for t in range(talkers):
        rows += [{"eth_src": f"02:00:00:00:01:{t:02x}", "time": START + n, "protocols": protocols} for n in range(3)]
    return rows


def test_fires_at_300_and_is_quiet_at_299() -> None:
    found = drafts(mac_flood, tables(packets=packets(*frames(300))))
    assert [(d.subject, d.priority) for d in found] == [("link", "medium")]
    assert not drafts(mac_flood, tables(packets=packets(*frames(299))))
    assert not drafts(mac_flood, tables(packets=packets(*frames(400, step=0.05))))


def test_quiet_on_a_large_link_and_on_wifi() -> None:
    assert drafts(mac_flood, tables(packets=packets(*frames(360, talkers=40))))
    assert not drafts(mac_flood, tables(packets=packets(*frames(351, talkers=40))))
    assert not drafts(mac_flood, tables(packets=packets(*frames(900, protocols="wlan_radio:wlan"))))


def test_wire(wire: Wire, tables_full: Wire) -> None:
    assert not wire.found(mac_flood)
    found = tables_full.found(mac_flood)
    assert list(found) == ["link"]
    assert len(found["link"].frames) == 400
