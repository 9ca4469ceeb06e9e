"""What a finding is about, and under which keys a baseline remembers it."""

from __future__ import annotations

from tests import builders as b
from tests.normal import office as o
from tshark_report.normal.said import Lookup, Sessions, keys, peer_key, said
from tshark_report.rules import ALL
from tshark_report.rules.base import Draft, evidence
from tshark_report.story.findings import Fired

RULE = next(r for r in ALL if r.name == "regular-connections")


def fired(frames: list[int], hosts: tuple[str, ...] = (o.PC, o.SHOP), rule=RULE, **more) -> Fired:  # noqa: ANN001, ANN003
    """A finding of these frames."""
    values = {"priority": "medium", "confidence": "medium", "evidence": evidence([], [])} | more
    return Fired(rule, Draft("s", hosts, "x", "x", display_filter="", frames=frames, **values))  # type: ignore[arg-type]


def test_frames_lead_to_their_session() -> None:
    these = o.facts_of(o.ordinary(2))
    each = fired([1, 2, 3, 7])
    index = Sessions(these, [each])
    found = index.of_finding(each)
    assert [r["stream"] for r in found] == [0, 1]
    assert index.of_frame(1) is found[0]
    assert index.of_frame(4) is None  # nobody asked for it
    assert keys(each, found) == {o.PC: ["CHK001 shop.example tcp/443"]}


def test_a_look_up_is_known_by_its_domain_and_not_by_the_resolver() -> None:
    udp = {
        "transport": "udp",
        "protocol": "DNS",
        "src_port": 5353,
        "dst_port": 53,
        "stream": 0,
        "dst": "10.0.0.1",
        "src": o.PC,
    }
    dns = b.family("dns", {"name": "A.Drop.example", "response": False, "src": o.PC, "dst": "10.0.0.1", "protocol": "DNS"},
                   {"name": "a.drop.example", "response": True, "src": "10.0.0.1", "dst": o.PC, "protocol": "DNS",
                    "ttls": [20, 5], "a": [o.SHOP]})  # fmt: skip
    these = o.facts_of(b.tables(packets=b.packets(udp, udp), dns=dns))
    each = fired([1, 2])
    found = Sessions(these, [each]).of_finding(each)
    assert found == [
        Lookup(o.PC, "a.drop.example", "drop.example", None),
        Lookup(o.PC, "a.drop.example", "drop.example", 5),
    ]
    assert peer_key(found[0]) == "drop.example dns"


def test_pings_lead_to_their_pair() -> None:
    echo = {
        "transport": None,
        "protocol": "ICMP",
        "stream": None,
        "src_port": None,
        "dst_port": None,
        "src": o.PC,
        "dst": o.BARE,
    }
    these = o.facts_of(b.tables(packets=b.packets(echo), icmp=b.family("icmp", echo | {"type": 8})))
    each = fired([1])
    assert [peer_key(r) for r in Sessions(these, [each]).of_finding(each)] == [f"{o.BARE} icmp"]


def test_sessions_between_addresses() -> None:
    index = Sessions(o.facts_of(o.tables(o.session(0), o.session(1, port=80), o.session(2, server=o.BARE))), [])
    assert len(index.between({o.PC, o.SHOP}, None)) == 2
    assert len(index.between({o.PC, o.SHOP}, 80)) == 1
    assert len(index.between({o.PC}, None)) == 3
    assert index.between({o.PC, o.SHOP, o.BARE}, None) == []
    assert index.between(set(), None) == []


def test_what_is_remembered_is_of_home_hosts_only() -> None:
    these = o.facts_of(o.ordinary(1))
    assert said([fired([1])], these) == {o.PC: ["CHK001 shop.example tcp/443", "CHK001"]}
