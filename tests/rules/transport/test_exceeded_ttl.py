"""NET005: routing loops; a traceroute is context, random TTLs are nothing."""

from __future__ import annotations

from tests.builders import START, drafts, family, packets, tables
from tshark_report.rules.transport.exceeded_ttl import exceeded_ttl
from tshark_report.tables.tables import Tables

ASKER, FAR = "10.0.0.5", "198.51.100.66"


def exceeded(number: int, routers: int) -> Tables:
    rows = [
        {"type": 11, "code": 0, "src": f"192.0.2.{n % routers}", "dst": ASKER, "all_dst": [ASKER, FAR]}
        for n in range(number)
    ]
    return tables(icmp=family("icmp", *rows), packets=packets({"transport": None}))


def passing(ttls: list[int], gap: float = 0.01) -> Tables:
    rows = [
        {"src": ASKER, "dst": FAR, "ip_id": 77, "ttl": ttl, "transport": "udp", "time": START + n * gap}
        for n, ttl in enumerate(ttls)
    ]
    return tables(packets=packets(*rows))


def test_fires_at_five_messages() -> None:
    found = drafts(exceeded_ttl, exceeded(5, 2))
    assert [(d.subject, d.priority) for d in found] == [(ASKER, "low")]
    assert "may be a routing loop" in found[0].summary
    assert not drafts(exceeded_ttl, exceeded(4, 2))


def test_a_traceroute_is_context() -> None:
    assert drafts(exceeded_ttl, exceeded(12, 4))[0].priority == "info"
    assert drafts(exceeded_ttl, exceeded(12, 3))[0].priority == "low"


def test_packets_that_come_past_again_and_again() -> None:
    found = drafts(exceeded_ttl, passing([60, 58, 56, 54]))
    assert [(d.priority, list(d.frames)) for d in found] == [("medium", [1, 2, 3, 4])]
    assert "TTL that fell from 60 to 54" in found[0].summary
    assert not drafts(exceeded_ttl, passing([60, 58, 56]))


def test_quiet_on_ttls_that_vary_and_on_old_ids() -> None:
    assert not drafts(exceeded_ttl, passing([60, 40, 58, 37, 55]))
    assert not drafts(exceeded_ttl, passing([60, 58, 56, 54], gap=2.0))


def looping(number: int, *, gap: float = 2.0, ttl: int = 64, answer: bool = False, routers: int = 2) -> Tables:
    told = [
        {
            "type": 11, "code": 0, "src": f"192.0.2.{n % routers}", "dst": ASKER, "all_dst": [ASKER, FAR],
            "time": START + n * gap,
        }
        for n in range(number)
    ]  # fmt: skip
    sent = {"src": ASKER, "dst": FAR, "ttl": ttl, "ip_id": 0}
    back = [{"src": FAR, "dst": ASKER}] if answer else []
    return tables(icmp=family("icmp", *told), packets=packets(sent, *back))


def test_a_loop_by_its_shape_is_medium() -> None:
    found = drafts(exceeded_ttl, looping(10))
    assert [d.priority for d in found] == ["medium"]
    assert "a routing loop by its shape" in found[0].summary
    assert drafts(exceeded_ttl, looping(9))[0].priority == "low"
    assert drafts(exceeded_ttl, looping(11, gap=0.99))[0].priority == "low"
    # Probes of a traceroute have a small TTL; what answers is reached.
    assert drafts(exceeded_ttl, looping(10, ttl=30))[0].priority == "medium"
    assert drafts(exceeded_ttl, looping(10, ttl=29))[0].priority == "low"
    assert drafts(exceeded_ttl, looping(10, answer=True))[0].priority == "low"
    assert drafts(exceeded_ttl, looping(20, routers=4))[0].priority == "info"
