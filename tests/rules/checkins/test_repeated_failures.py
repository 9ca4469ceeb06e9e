"""CHK004: a retry loop to a server that refuses or is silent; quiet on scans, floods and servers that work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, packets, tables
from tests.conftest import fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.repeated_failures import repeated_failures


def made(moments: Any, answer: str = "reset", name: str = "", **session: Any) -> Any:
    rows = wire.in_order(*(wire.session(at, n, answer=answer, **session) for n, at in enumerate(moments)))
    answers = [
        {"src": wire.RESOLVER, "dst": wire.CLIENT, "response": True, "name": name, "a": [wire.OUTSIDE], "ttls": [60]}
    ]
    return tables(packets=packets(*rows), dns=family("dns", *(answers if name else [])))


@pytest.mark.parametrize(("answer", "told"), [("reset", "10 refused with a reset"), ("none", "10 never answered")])
def test_fires_at_ten_attempts(answer: str, told: str) -> None:
    found = drafts(repeated_failures, made(wire.every(5, 10), answer))
    assert found[0].priority == "low"
    assert told in found[0].summary
    assert "retry loop" in found[0].summary


def test_quiet_at_nine_attempts() -> None:
    assert not drafts(repeated_failures, made(wire.every(5, 9)))


def test_a_dynamic_dns_name_makes_it_medium() -> None:
    assert drafts(repeated_failures, made(wire.every(5, 10), name="a.ddns.net"))[0].priority == "medium"


def test_quiet_on_a_server_that_answers_and_on_a_flood() -> None:
    assert not drafts(repeated_failures, made(wire.every(5, 20), "open"))
    assert not drafts(repeated_failures, made(wire.every(0.01, 500), "none"))


def test_quiet_on_one_attempt_at_each_of_many_hosts() -> None:
    rows = [wire.session(at, n, server=f"203.0.113.{n}", answer="none") for n, at in enumerate(wire.every(5, 100))]
    assert not drafts(repeated_failures, tables(packets=packets(*wire.in_order(*rows))))


def test_filter_selects_the_attempts(loaded: wire.Read, tmp_path: Path) -> None:
    tries = [wire.tcp(at, answer="reset", client_port=40000 + n) for n, at in enumerate(wire.every(5, 12))]
    near = wire.tcp(3, [(0.1, ">", b"x" * 9)], port=80, client_port=50000)
    found = wire.exact(repeated_failures, loaded, wire.write(tmp_path / "a.pcap", *tries, near))
    assert len(found[0].frames) == 12


def test_own_capture(loaded: wire.Read) -> None:
    found = wire.exact(repeated_failures, loaded, fixture_capture("beacon_tls"))
    assert [(d.hosts, d.priority) for d in found] == [(("10.20.0.22", "203.0.113.36"), "low")]
