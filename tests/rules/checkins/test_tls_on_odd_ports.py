"""TLS002: TLS on a port of its own; quiet on usual ports and inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, packets, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.tls_on_odd_ports import tls_on_odd_ports


def made(port: int = 4041, server: str = wire.OUTSIDE, server_name: str | None = None, name: str = "") -> Any:
    rows = wire.session(0, 0, port=port, server=server, protocol="TLSv1.2")
    hello = family(
        "tls", {"dst": server, "dst_port": port, "handshake": [1], "server_name": server_name, "time": START + 0.1}
    )
    dns = family(
        "dns",
        {
            "src": wire.RESOLVER,
            "dst": wire.CLIENT,
            "response": True,
            "name": name or "x.example",
            "a": [server if name else wire.OTHER],
            "ttls": [60],
        },
    )
    return tables(packets=packets(*rows), tls=hello, dns=dns)


def test_one_session_is_named() -> None:
    found = drafts(tls_on_odd_ports, made(server_name="a.example"))
    assert found[0].priority == "low"
    assert "Port 4041 is unusual for TLS" in found[0].summary


def test_bare_addresses_and_dynamic_names_are_medium() -> None:
    assert drafts(tls_on_odd_ports, made())[0].priority == "medium"
    assert drafts(tls_on_odd_ports, made(name="a.ddns.net"))[0].priority == "medium"
    assert drafts(tls_on_odd_ports, made(name="disk.synology.me"))[0].priority == "low"


def test_quiet_on_usual_ports_and_inside() -> None:
    assert not drafts(tls_on_odd_ports, made(port=8443))
    assert not drafts(tls_on_odd_ports, made(server=wire.INSIDE))


def test_filter_selects_the_session_starts(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [
        (0.1, ">", wire.hello("a.example")),
        (0.2, "<", wire.certificate("a.example", "Authority", end="20240101000000Z")),
    ]
    near = wire.tcp(5, talk, port=443, client_port=50000)
    capture = wire.write(
        tmp_path / "a.pcap", wire.tcp(0, talk, port=4041), wire.tcp(9, talk, port=4041, client_port=40001), near
    )
    found = wire.exact(tls_on_odd_ports, loaded, capture)
    assert len(found[0].frames) == 2


def test_what_its_certificate_tells_is_not_told_again(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [(0.1, ">", wire.hello()), (0.2, "<", wire.certificate("Remote Server"))]
    capture = wire.write(tmp_path / "a.pcap", wire.tcp(0, talk, port=4041))
    assert not drafts(tls_on_odd_ports, loaded(capture).tables)


def test_a_port_of_another_protocol_does_not_hide_tls(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [(0.1, ">", wire.hello()), (0.2, "<", wire.application_data(900)), (1, ">", wire.application_data(40))]
    looked_up = wire.dns(0, "a.ddns.net", wire.OUTSIDE)
    plain = wire.tcp(5, [(0.1, ">", b"\x68\x04\x07\0\0\0")], server=wire.OTHER, port=2404, client_port=50000)
    capture = wire.write(tmp_path / "a.pcap", looked_up, wire.tcp(1, talk, port=2404), plain)
    found = wire.exact(tls_on_odd_ports, loaded, capture)
    assert [(d.priority, len(d.frames)) for d in found] == [("medium", 1)]
    assert "which tshark reads as IEC 60870-5-104 because of the port" in found[0].summary


def test_hidden_tls_without_its_start_is_shown_by_its_hello(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [(0.1, ">", wire.hello()), (0.2, "<", wire.application_data(900)), (1, ">", wire.application_data(40))]
    capture = wire.write(tmp_path / "a.pcap", wire.tcp(1, talk, port=2404)[3:])
    assert [len(d.frames) for d in wire.exact(tls_on_odd_ports, loaded, capture)] == [1]
