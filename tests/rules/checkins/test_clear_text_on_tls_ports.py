"""TLS004: something else than TLS on a TLS port; quiet on TLS, and on sessions whose start is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, openings, packets, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.clear_text_on_tls_ports import clear_text_on_tls_ports


def made(data: bytes, port: int = 443, server: str = wire.OUTSIDE, protocol: str = "TCP") -> Any:
    rows = wire.session(0, 0, port=port, server=server, protocol=protocol)
    said = {
        "src": wire.CLIENT,
        "dst": server,
        "src_port": 40000,
        "dst_port": port,
        "data": data,
        "payload": len(data),
        "protocol": protocol,
    }
    return tables(packets=packets(*rows), openings=openings(said))


def test_four_bytes_tell() -> None:
    assert drafts(clear_text_on_tls_ports, made(b"\x01\x02\x03\x04"))[0].priority == "low"
    assert not drafts(clear_text_on_tls_ports, made(b"\x01\x02\x03"))


def test_a_post_in_clear_to_a_bare_address_is_medium() -> None:
    found = drafts(clear_text_on_tls_ports, made(b"POST /a HTTP/1.1\r\nHost: 203.0.113.9", protocol="HTTP"))
    assert found[0].priority == "medium"
    assert "HTTP in clear text" in found[0].summary


def test_ssh_to_a_bare_address_is_medium() -> None:
    found = drafts(clear_text_on_tls_ports, made(b"SSH-2.0-OpenSSH_9.2p1\r\n", protocol="SSL"))
    assert found[0].priority == "medium"
    assert "not speak TLS with 203.0.113.9 port 443 but SSH in 1 session" in found[0].summary


def test_ssh_to_a_named_server_is_low() -> None:
    said = made(b"SSH-2.0-OpenSSH_9.2p1\r\n", protocol="SSL")
    name = family("dns", {"name": "ssh.forge.example", "response": True, "a": [wire.OUTSIDE], "protocol": "DNS"})
    named = tables(packets=said.packets, openings=said.openings, dns=name)
    assert drafts(clear_text_on_tls_ports, named)[0].priority == "low"


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01", b"\x80\x2e\x01\x03\x01", b"\x17\x03\x03\x00\x20"])
def test_quiet_on_tls(data: bytes) -> None:
    assert not drafts(clear_text_on_tls_ports, made(data))


def test_quiet_on_other_ports_and_context_inside() -> None:
    assert not drafts(clear_text_on_tls_ports, made(b"hello there", port=8080))
    assert drafts(clear_text_on_tls_ports, made(b"hello there", server=wire.INSIDE))[0].priority == "info"


def test_filter_selects_the_payload(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [(0.1, ">", b"\x99\x88" * 20), (0.2, "<", b"\x77\x66" * 30)]
    near = wire.tcp(1, [(0.1, ">", wire.hello("a.example"))], client_port=50000)
    found = wire.exact(clear_text_on_tls_ports, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, talk), near))
    assert len(found) == 1
    assert len(found[0].frames) == 2
