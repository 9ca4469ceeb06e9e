"""OUT008: a protocol on a port where it does not belong, as context."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, openings, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.protocols_on_odd_ports import protocols_on_odd_ports


def made(protocol: str, port: int, data: bytes = b"", server: str = wire.OUTSIDE) -> Any:
    said = {"src": server, "dst": wire.CLIENT, "data": data, "payload": len(data)}
    return tables(
        packets=packets(*wire.session(0, 0, port=port, server=server, protocol=protocol)), openings=openings(said)
    )


def test_one_session_is_named() -> None:
    found = drafts(protocols_on_odd_ports, made("SSHv2", 8022))
    assert found[0].priority == "low"
    assert "SSH was spoken with 203.0.113.9 port 8022" in found[0].summary


def test_the_first_bytes_tell_where_tshark_does_not() -> None:
    assert "SSH" in drafts(protocols_on_odd_ports, made("TCP", 902, b"SSH-2.0-OpenSSH_9.2", wire.INSIDE))[0].summary


def test_irc_inside_is_context() -> None:
    assert drafts(protocols_on_odd_ports, made("IRC", 5050, server=wire.INSIDE))[0].priority == "info"


@pytest.mark.parametrize(
    ("protocol", "port"), [("SSHv2", 22), ("SSHv2", 2222), ("FTP", 21), ("IRC", 6667), ("HTTP", 7080), ("TCP", 902)]
)
def test_quiet_where_protocol_and_port_fit_or_are_not_judged(protocol: str, port: int) -> None:
    assert not drafts(protocols_on_odd_ports, made(protocol, port))


def test_filter_selects_the_sessions(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [(0.1, "<", b"SSH-2.0-OpenSSH_9.2\r\n"), (0.2, ">", b"SSH-2.0-x\r\n")]
    near = wire.tcp(1, talk, port=22, client_port=50000)
    found = wire.exact(
        protocols_on_odd_ports, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, talk, port=902), near)
    )
    assert len(found) == 1
    assert len(found[0].frames) == 5


def test_own_capture_is_quiet(loaded: wire.Read) -> None:
    assert not drafts(protocols_on_odd_ports, loaded(fixture_capture("quiet_hour")).tables)


@pytest.mark.shared
def test_published_capture(loaded: wire.Read) -> None:
    found = wire.exact(protocols_on_odd_ports, loaded, case_capture("slips_ssh_bruteforce"))
    assert "SSH was spoken with 147.32.80.37 port 902" in found[0].summary
