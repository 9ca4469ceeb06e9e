"""TLS003: hellos without a name to bare addresses; quiet where a name is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.nameless_tls import nameless_tls


def made(server: str = wire.OUTSIDE, server_name: str | None = None, named: str = "") -> Any:
    answers = [
        {"src": wire.RESOLVER, "dst": wire.CLIENT, "response": True, "name": "a.example", "a": [named], "ttls": [60]}
    ]
    hello = {"dst": server, "dst_port": 443, "handshake": [1], "server_name": server_name}
    return tables(tls=family("tls", hello), dns=family("dns", *(answers if named else [])))


def test_one_hello_is_named_as_low() -> None:
    found = drafts(nameless_tls, made(named=wire.OTHER))
    assert (found[0].priority, found[0].confidence) == ("low", "medium")
    assert "203.0.113.9 port 443" in found[0].summary


def test_without_dns_it_is_less_sure() -> None:
    assert drafts(nameless_tls, made())[0].confidence == "low"


def test_quiet_where_a_name_is_known() -> None:
    assert not drafts(nameless_tls, made(server_name="a.example"))
    assert not drafts(nameless_tls, made(named=wire.OUTSIDE))
    assert not drafts(nameless_tls, made(server=wire.INSIDE))


def test_filter_selects_the_hellos(loaded: wire.Read, tmp_path: Path) -> None:
    nameless = [
        wire.tcp(n, [(0.1, ">", wire.hello())], server=f"203.0.113.{n}", client_port=40000 + n) for n in range(1, 4)
    ]
    near = [
        wire.tcp(9, [(0.1, ">", wire.hello("a.example"))], client_port=50000),
        *[wire.dns(8, "b.example", wire.OTHER)],
    ]
    named = wire.tcp(10, [(0.1, ">", wire.hello())], server=wire.OTHER, client_port=50001)
    found = wire.exact(nameless_tls, loaded, wire.write(tmp_path / "a.pcap", *nameless, *near, named))
    assert len(found) == 1
    assert len(found[0].frames) == 3
