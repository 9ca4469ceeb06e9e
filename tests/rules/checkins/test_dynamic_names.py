"""OUT007: dynamic-DNS names and tunnels; no alarm for a vendor's devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, packets, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.dynamic_names import dynamic_names


def made(name: str, port: int = 443) -> Any:
    asked = {"response": False, "name": name, "protocol": "DNS", "dst": wire.RESOLVER}
    told = {
        "src": wire.RESOLVER,
        "dst": wire.CLIENT,
        "response": True,
        "name": name,
        "protocol": "DNS",
        "a": [wire.OUTSIDE],
        "ttls": [60],
    }
    return tables(dns=family("dns", asked, told), packets=packets(*wire.session(1, 0, port=port)))


def test_one_question_is_low_and_names_the_ttl() -> None:
    found = drafts(dynamic_names, made("cam.ddns.net"))
    assert found[0].priority == "low"
    assert "TTL of 60 s" in found[0].summary
    assert "1 TCP session followed, to port 443" in found[0].summary


def test_an_odd_port_behind_it_is_medium() -> None:
    assert drafts(dynamic_names, made("cam.ddns.net", port=1337))[0].priority == "medium"


@pytest.mark.parametrize("name", ["ddns.net", "www.example.com", "notddns.net"])
def test_quiet_on_other_names(name: str) -> None:
    assert not drafts(dynamic_names, made(name))


def test_a_vendors_device_is_no_dynamic_name() -> None:
    assert not drafts(dynamic_names, made("disk.synology.me", port=5001))


def test_filter_selects_questions_and_answers(loaded: wire.Read, tmp_path: Path) -> None:
    capture = wire.write(
        tmp_path / "a.pcap", wire.dns(0, "a.duckdns.org", wire.OUTSIDE), wire.dns(1, "b.example", wire.OTHER, ident=8)
    )
    assert len(wire.exact(dynamic_names, loaded, capture)[0].frames) == 2
