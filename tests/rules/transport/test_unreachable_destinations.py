"""NET003: ICMP errors by code; quiet on single ones, on scans and on echoes of spoofed packets."""

from __future__ import annotations

from typing import Any

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.unreachable_destinations import unreachable_destinations
from tshark_report.tables.tables import Tables

ROUTER, ASKER, GONE = "10.0.0.1", "10.0.0.5", "192.0.2.99"


def errors(number: int, code: int = 1, **columns: Any) -> Tables:
    base = {"type": 3, "code": code, "src": ROUTER, "dst": ASKER, "all_dst": [ASKER, GONE], "all_dst_port": [80]}
    return tables(icmp=family("icmp", *(base | columns for _ in range(number))))


def spread(number: int, place: str) -> Tables:
    rows = []
    for n in range(number):
        address = f"198.51.100.{n}"
        row: dict[str, Any] = {"type": 3, "code": 1, "src": ROUTER, "dst": ASKER, "all_dst": [ASKER, GONE]}
        row |= {"all_dst": [ASKER, address]} if place == "target" else {"dst": address, "all_dst": [address, GONE]}
        rows.append(row)
    return tables(icmp=family("icmp", *rows))


def test_fires_at_three_messages() -> None:
    found = drafts(unreachable_destinations, errors(3))
    assert [(d.subject, d.priority) for d in found] == [(f"{ROUTER} code 1", "low")]
    assert "192.0.2.99 port 80 is unreachable: host unreachable (ICMP type 3 code 1)" in found[0].summary
    assert not drafts(unreachable_destinations, errors(2))


def test_leaves_out_errors_that_quote_the_reporter() -> None:
    back = {"type": 3, "code": 1, "src": GONE, "dst": ROUTER, "all_dst": [ROUTER, GONE], "frame": 9}
    base = {"type": 3, "code": 1, "src": ROUTER, "dst": ASKER, "all_dst": [ASKER, GONE]}
    found = drafts(unreachable_destinations, tables(icmp=family("icmp", base, base, base, back)))
    assert found[0].display_filter.endswith("ip.src == 10.0.0.1 && !(frame.number == 9)")
    assert list(found[0].frames) == [1, 2, 3]


def test_port_unreachable_is_info() -> None:
    found = drafts(unreachable_destinations, errors(3, code=3, src=GONE))
    assert found[0].priority == "info"
    assert found[0].hosts == (ASKER, GONE)


def test_ipv6() -> None:
    found = drafts(
        unreachable_destinations,
        errors(3, code=0, type=1, src="fe80::1", dst="fe80::5", all_dst=["fe80::5", "2001:db8::9"]),
    )
    assert "no route" in found[0].summary
    assert found[0].display_filter == "icmpv6.type == 1 && icmpv6.code == 0 && ipv6.src == fe80::1"


def test_quiet_on_many_targets_or_receivers() -> None:
    for place in ("target", "receiver"):
        assert drafts(unreachable_destinations, spread(19, place))
        assert not drafts(unreachable_destinations, spread(20, place))


def test_quiet_on_fragmentation_needed_and_on_pings() -> None:
    assert not drafts(unreachable_destinations, errors(5, code=4))
    assert not drafts(unreachable_destinations, errors(5, code=0, type=8))
