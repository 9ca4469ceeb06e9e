"""LNK003: announcements without end."""

from __future__ import annotations

from tests.builders import START, drafts, family, tables
from tests.rules.scans.conftest import Wire
from tshark_report.rules.scans.gratuitous_arp_flood import gratuitous_arp_flood

MAC = "02:00:00:00:00:66"


def announced(count: int, addresses: int, mac: str = MAC, seconds: float = 9.9) -> list[dict]:
    made = []
    for n in range(count):
        address = f"10.0.4.{n % addresses + 1}"
        made.append(
            {"opcode": 1, "src_mac": mac, "sender": address, "target": address, "time": START + n * seconds / count}
        )
    return made


def found(rows: list[dict]) -> list:
    return drafts(gratuitous_arp_flood, tables(arp=family("arp", *rows)))


def test_fifty_in_ten_seconds_or_ten_addresses() -> None:
    assert [(d.subject, d.priority) for d in found(announced(50, 1))] == [(MAC, "low")]
    assert not found(announced(49, 1))
    assert not found(announced(60, 1, seconds=13))
    assert found(announced(10, 10))[0].priority == "low"
    assert not found(announced(9, 9))
    assert found(announced(50, 10))[0].priority == "medium"


def test_virtual_addresses_are_quiet() -> None:
    assert not found(announced(300, 20, "00:00:5e:00:01:01"))


def test_wire(wire: Wire) -> None:
    assert list(wire.found(gratuitous_arp_flood)) == ["02:00:0a:09:09:05"]
