"""CHK005: one name asked at an interval; context where the TTL or the service explains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import START, drafts, family, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.regular_lookups import regular_lookups


def made(moments: Any, name: str = "a.example", *, ttl: int = 300, rcode: int = 0, protocol: str = "DNS") -> Any:
    rows = []
    for at in moments:
        rows.append(
            {"time": START + at, "dst": wire.RESOLVER, "response": False, "name": name, "type": 1, "protocol": protocol}
        )
        rows.append(
            {
                "time": START + at + 0.01,
                "src": wire.RESOLVER,
                "dst": wire.CLIENT,
                "response": True,
                "name": name,
                "rcode": rcode,
                "protocol": protocol,
                **({} if rcode else {"a": [wire.OUTSIDE], "ttls": [ttl]}),
            }
        )
    return tables(dns=family("dns", *rows))


def test_fires_at_eight_questions() -> None:
    found = drafts(regular_lookups, made(wire.every(30, 8)))
    assert found[0].priority == "info"
    assert "a.example 8 times" in found[0].summary


def test_quiet_at_seven_questions() -> None:
    assert not drafts(regular_lookups, made(wire.every(30, 7)))


def test_failures_and_dynamic_names_are_low() -> None:
    assert drafts(regular_lookups, made(wire.every(30, 8), rcode=3))[0].priority == "low"
    assert drafts(regular_lookups, made(wire.every(30, 8), "x.ddns.net"))[0].priority == "low"


def test_the_lifetime_of_the_answer_explains_the_interval() -> None:
    found = drafts(regular_lookups, made(wire.every(60, 12), "x.ddns.net", ttl=60))
    assert (found[0].priority, found[0].lowered_because) == ("info", "The interval is the lifetime of the answer.")


@pytest.mark.parametrize(
    "name", ["wpad.corp.example", "_ldap._tcp.dc._msdcs.corp.example", "5.0.0.10.in-addr.arpa", "printer"]
)
def test_quiet_on_names_that_hosts_ask_for_by_themselves(name: str) -> None:
    assert not drafts(regular_lookups, made(wire.every(30, 20), name))


def test_quiet_on_people_retries_and_mdns() -> None:
    assert not drafts(regular_lookups, made(wire.UNEVEN))
    assert not drafts(regular_lookups, made(wire.every(1, 20)))
    assert not drafts(regular_lookups, made(wire.every(30, 20), protocol="MDNS"))


def test_filter_selects_the_questions(loaded: wire.Read, tmp_path: Path) -> None:
    asked = [wire.dns(at, "a.example", wire.OUTSIDE, ident=n) for n, at in enumerate(wire.every(10, 9))]
    near = wire.dns(4, "b.example", wire.OTHER, ident=99)
    found = wire.exact(regular_lookups, loaded, wire.write(tmp_path / "a.pcap", *asked, near))
    assert len(found[0].frames) == 9
