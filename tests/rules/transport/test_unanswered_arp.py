"""NET001: neighbours that nobody has; quiet on probes, on scans and on hosts that speak."""

from __future__ import annotations

from typing import Any

from tests.builders import START, drafts, family, packets, tables
from tshark_report.rules.transport.unanswered_arp import unanswered_arp
from tshark_report.tables.tables import Tables

ASKER, ABSENT = "10.0.0.5", "10.0.0.77"


def asked(number: int, gap: float = 1.0, sender: str = ASKER, target: str = ABSENT) -> list[dict[str, Any]]:
    return [{"opcode": 1, "sender": sender, "target": target, "time": START + n * gap} for n in range(number)]


def captured(*requests: list[dict[str, Any]], traffic: int = 100, to: str = ASKER, **families: Any) -> Tables:
    rows = sorted((row for rows in requests for row in rows), key=lambda row: row["time"])
    other = [{"src": "10.0.0.80", "dst": to, "frame": 1000 + n} for n in range(traffic)]
    return tables(arp=family("arp", *rows), packets=packets(*other) if traffic else packets(), **families)


def test_fires_at_three_requests() -> None:
    found = drafts(unanswered_arp, captured(asked(3)))
    assert [(d.subject, d.priority) for d in found] == [(ABSENT, "low")]
    assert "asked 3 times by ARP who has 10.0.0.77" in found[0].summary
    assert list(found[0].frames) == [1, 2, 3]
    assert not drafts(unanswered_arp, captured(asked(2)))


def test_quiet_on_single_requests_now_and_then() -> None:
    assert drafts(unanswered_arp, captured(asked(3, 7.5)))
    assert not drafts(unanswered_arp, captured(asked(3, 7.6)))


def test_medium_for_the_gateway() -> None:
    lease = family("dhcp", {"kind": 5, "router": ABSENT})
    assert drafts(unanswered_arp, captured(asked(3), dhcp=lease))[0].priority == "medium"


def test_medium_where_the_asker_reaches_nobody() -> None:
    assert drafts(unanswered_arp, captured(asked(3), traffic=30, to="10.0.0.9"))[0].priority == "medium"
    assert drafts(unanswered_arp, captured(asked(3), traffic=31, to="10.0.0.9"))[0].priority == "low"


def test_quiet_where_the_address_answers_or_speaks() -> None:
    reply = [{"opcode": 2, "sender": ABSENT, "target": ASKER, "time": START + 9}]
    assert not drafts(unanswered_arp, captured(asked(3), reply))
    speaks = tables(arp=family("arp", *asked(3)), packets=packets({"src": ABSENT}))
    assert not drafts(unanswered_arp, speaks)


def test_quiet_on_probes_and_announcements() -> None:
    assert not drafts(unanswered_arp, captured(asked(3, sender="0.0.0.0")))
    assert not drafts(unanswered_arp, captured(asked(3, sender=ABSENT)))


def test_quiet_on_a_host_that_asks_for_many() -> None:
    wide = [asked(3, target=f"10.0.0.{n}") for n in range(100, 110)]
    assert not drafts(unanswered_arp, captured(*wide))
    assert len(drafts(unanswered_arp, captured(*wide[:9]))) == 9
