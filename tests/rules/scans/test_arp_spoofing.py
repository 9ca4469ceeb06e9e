"""LNK001: one MAC for addresses of others."""

from __future__ import annotations

import pytest

from tests.builders import START, drafts, family, packets, tables
from tests.conftest import fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.address_conflict import address_conflict
from tshark_report.rules.scans.arp_spoofing import arp_spoofing

THIEF, OWNER, VICTIM = "02:00:00:00:00:66", "02:00:00:00:00:01", "02:00:00:00:00:05"


def reply(mac: str, sender: str, target: str, at: float, **more: object) -> dict:
    return {"opcode": 2, "src_mac": mac, "sender": sender, "target": target, "time": START + at} | more


def request(mac: str, sender: str, target: str, at: float) -> dict:
    return reply(mac, sender, target, at, opcode=1)


def pushed(times: int, mac: str = THIEF, *, both: bool = True) -> list[dict]:
    rows = []
    for n in range(times):
        rows.append(reply(mac, "10.0.0.1", "10.0.0.5", 100 + n))
        if both:
            rows.append(reply(mac, "10.0.0.5", "10.0.0.1", 100.5 + n))
    return rows


TRUE_OWNERS = [
    request(VICTIM, "10.0.0.5", "10.0.0.1", 0),
    reply(OWNER, "10.0.0.1", "10.0.0.5", 0.1),
    request(THIEF, "10.0.0.66", "10.0.0.1", 1),
]


def found(*rows: dict) -> list:
    return drafts(arp_spoofing, tables(arp=family("arp", *rows)))


def test_fires_at_three_unasked_replies_and_is_quiet_at_two() -> None:
    made = found(*TRUE_OWNERS, *pushed(3))
    assert [(d.subject, d.priority, d.confidence) for d in made] == [("10.0.0.66", "high", "high")]
    for word in (THIEF, "10.0.0.1", "10.0.0.5", OWNER, "ARP spoofing"):
        assert word in made[0].summary
    assert len(made[0].frames) == 6
    # Two replies are fewer, but both sides were told: less sure, not nothing.
    assert [d.priority for d in found(*TRUE_OWNERS, *pushed(2))] == ["medium"]
    assert not found(*TRUE_OWNERS, *pushed(2, both=False))


def test_one_reply_counts_where_traffic_came() -> None:
    def carried(count: int) -> list:
        came = packets(*({"eth_dst": THIEF, "src": "10.0.0.5", "dst": "203.0.113.9"} for _ in range(count)))
        rows = family("arp", *TRUE_OWNERS, *pushed(1, both=False))
        return drafts(arp_spoofing, tables(arp=rows, packets=came))

    assert [d.priority for d in carried(3)] == ["medium"]
    assert not carried(2)


def test_one_contested_address_is_medium() -> None:
    made = found(*TRUE_OWNERS, *pushed(3, both=False))
    assert [(d.subject, d.priority) for d in made] == [("10.0.0.66", "medium")]


def test_what_went_through_it() -> None:
    carried = packets(*({"eth_dst": THIEF, "src": "10.0.0.5", "dst": "203.0.113.9"} for _ in range(7)))
    made = drafts(arp_spoofing, tables(arp=family("arp", *TRUE_OWNERS, *pushed(4)), packets=carried))
    assert "7 IP packets" in made[0].summary
    assert "passed through" in made[0].summary


def test_asked_replies_are_quiet() -> None:
    rows = []
    for n in range(20):
        rows += [request(VICTIM, "10.0.0.5", f"10.0.9.{n}", n), reply(THIEF, f"10.0.9.{n}", "10.0.0.5", n + 0.1)]
    assert not found(*rows)
    assert found(*(row for row in rows if row["opcode"] == 2 for _ in range(3)))


def test_failover_is_quiet() -> None:
    rows = [
        {"opcode": 1, "src_mac": mac, "sender": "10.0.0.4", "target": "10.0.0.4", "time": START + at + n / 10}
        for mac, at in ((OWNER, 0), (VICTIM, 50))
        for n in range(5)
    ]
    assert not found(*rows)


def test_virtual_addresses_are_quiet() -> None:
    assert not found(*TRUE_OWNERS, *pushed(9, mac="00:00:5e:00:01:33"))
    assert not found(*TRUE_OWNERS, *pushed(9, mac="00:00:0c:07:ac:01"))
    # 00:00:5e:00:53 is for documentation, not for VRRP.
    assert found(*TRUE_OWNERS, *pushed(9, mac="00:00:5e:00:53:42"))


def test_the_owner_that_repeats_itself_is_not_the_thief() -> None:
    mine = [reply(OWNER, "10.0.0.1", "10.0.0.5", 200 + n) for n in range(4)]
    assert [d.hosts[0] for d in found(*TRUE_OWNERS, *pushed(5), *mine)] == ["10.0.0.66"]


def test_of_two_that_contest_an_address_the_one_that_repeats_it_more_often_is_told() -> None:
    """The owner repeats both of its addresses now and then; what counts is who repeats the contested one most."""
    mine = [reply(OWNER, "10.0.0.1", f"10.0.0.{5 + n}", 200 + n) for n in range(7)]
    told = found(*TRUE_OWNERS, *pushed(5), *mine)
    assert [d.hosts[0] for d in told] == ["10.0.0.66"]


def test_wire(wire: Wire) -> None:
    assert list(wire.found(arp_spoofing)) == ["10.9.0.91"]


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("arp_spoof")
    made = read(path, tmp_path / "scratch")
    spoofed = drafts(arp_spoofing, made)
    same_frames(path, spoofed)
    assert [(d.subject, d.priority) for d in spoofed] == [("10.20.0.66", "high")]
    moved = drafts(address_conflict, made)
    same_frames(path, moved)
    assert [(d.hosts, d.priority) for d in moved] == [(("10.20.0.4",), "info")]
