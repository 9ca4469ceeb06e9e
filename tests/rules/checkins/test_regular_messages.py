"""CHK003: a tick inside one session; quiet on keep-alives, media, typing and known services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import START, drafts, family, openings, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.regular_messages import regular_messages

PING = b"ping|AGENT|C4BA|PC-7|anna|Windows"


def made(moments: Any, size: int = 48, text: bytes = b"", **session: Any) -> Any:
    rows = wire.session(
        0,
        0,
        up=[(at + 0.1, size) for at in moments],
        down=[(at + 0.2, 20) for at in moments],
        **({"port": 8219} | session),
    )
    opening = openings(
        {"src": wire.CLIENT, "dst": wire.OUTSIDE, "src_port": 40000, "dst_port": 8219, "data": text, "payload": size}
    )
    return tables(packets=packets(*rows), openings=opening)


def test_fires_at_ten_messages() -> None:
    found = drafts(regular_messages, made(wire.every(5, 10)))
    assert found[0].priority == "medium"
    assert "10 messages of 48 bytes at a beacon-like regular interval of 5.0 s" in found[0].summary
    assert len(found[0].frames) == 10


def test_quiet_at_nine_messages() -> None:
    assert not drafts(regular_messages, made(wire.every(5, 9)))


def test_clear_text_is_quoted_and_high() -> None:
    found = drafts(regular_messages, made(wire.every(5, 20), text=PING))
    assert found[0].priority == "high"
    assert "ping|AGENT|C4BA|PC-7|anna|Windows" in found[0].summary
    assert "clear text" in found[0].summary


def test_keep_alives_and_retransmissions_are_no_messages() -> None:
    rows = wire.session(0, 0, port=8219, up=[(0.1, 48)])
    # TCP keep-alive: one byte that was already sent, every 10 s (RFC 9293, section 3.8.4).
    again = [rows[3] | {"time": START + at, "seq": 1001 + 47, "payload": 1} for at in wire.every(10, 30, 10)]
    assert not drafts(regular_messages, tables(packets=packets(*rows, *again)))


def test_quiet_on_typing_and_media() -> None:
    assert not drafts(regular_messages, made(wire.UNEVEN))
    assert not drafts(regular_messages, made(wire.every(0.02, 3000)))


def test_quiet_on_messages_of_any_size() -> None:
    moments = wire.every(5, 20)
    rows = wire.session(
        0, 0, port=8219, up=[(at + 0.1, 40 * 2 ** (n * 5 % 7)) for n, at in enumerate(moments)], down=[]
    )
    assert not drafts(regular_messages, tables(packets=packets(*rows)))


@pytest.mark.parametrize(("port", "protocol"), [(22, "TCP"), (5222, "TCP"), (8883, "TLSv1.2"), (502, "Modbus/TCP")])
def test_quiet_on_services_with_keep_alives(port: int, protocol: str) -> None:
    assert not drafts(regular_messages, made(wire.every(5, 30), port=port, protocol=protocol))


def test_quiet_on_named_tls_on_443_and_on_known_protocols() -> None:
    rows = wire.session(0, 0, protocol="TLSv1.3", up=[(at + 0.1, 60) for at in wire.every(15, 20)])
    hello = family("tls", {"dst": wire.OUTSIDE, "server_name": "chat.partner.example", "handshake": [1]})
    assert not drafts(regular_messages, tables(packets=packets(*rows), tls=hello))
    assert not drafts(regular_messages, made(wire.every(5, 30), protocol="MQTT"))


def test_inside_and_udp_are_low() -> None:
    assert drafts(regular_messages, made(wire.every(5, 20), server=wire.INSIDE))[0].priority == "low"
    rows = [
        {
            "time": START + at,
            "transport": "udp",
            "protocol": "UDP",
            "dst_port": 8219,
            "payload": 48,
            "flags": None,
            "seq": None,
        }
        for at in wire.every(5, 20)
    ]
    assert drafts(regular_messages, tables(packets=packets(*rows)))[0].priority == "low"


def test_filter_selects_the_messages(loaded: wire.Read, tmp_path: Path) -> None:
    ticks = [m for n in range(12) for m in ((5.0 * n + 0.1, ">", PING), (5.0 * n + 0.2, "<", b"ok"))]
    near = [m for n in range(4) for m in ((9.0 * n + 0.1, ">", PING), (9.0 * n + 0.2, "<", b"ok"))]
    capture = wire.write(
        tmp_path / "a.pcap", wire.tcp(0, ticks, port=8219), wire.tcp(2, near, port=8219, client_port=50000)
    )
    found = wire.exact(regular_messages, loaded, capture)
    assert len(found[0].frames) == 12


def test_own_captures(loaded: wire.Read) -> None:
    found = wire.exact(regular_messages, loaded, fixture_capture("beacon_tls"))
    assert [(d.hosts, d.priority) for d in found] == [(("10.20.0.21", "203.0.113.67"), "medium")]
    assert not drafts(regular_messages, loaded(fixture_capture("quiet_hour")).tables)


@pytest.mark.shared
@pytest.mark.parametrize(("case", "told"), [("strrat_beacon", "ping|STRRAT|"), ("asyncrat_cert", "con-ip.com")])
def test_published_captures(loaded: wire.Read, case: str, told: str) -> None:
    found = wire.exact(regular_messages, loaded, case_capture(case))
    assert found[0].priority == "high"
    assert told in found[0].summary


@pytest.mark.shared
def test_industrial_polling_is_quiet(loaded: wire.Read) -> None:
    assert not drafts(regular_messages, loaded(case_capture("iti_modbus")).tables)


def test_ticks_of_tls_that_its_port_hides(loaded: wire.Read, tmp_path: Path) -> None:
    ticks = [(n * 30.0 + 5, ">", wire.application_data(44)) for n in range(12)]
    talk = [(0.1, ">", wire.hello()), (0.2, "<", wire.application_data(900)), *ticks]
    modbus = [(n * 30.0, ">", b"\x68\x04\x43\0\0\0") for n in range(12)]
    capture = wire.write(
        tmp_path / "a.pcap",
        wire.dns(0, "a.ddns.net", wire.OUTSIDE),
        wire.tcp(1, talk, port=2404),
        wire.tcp(2, modbus, port=2404, server=wire.OTHER, client_port=40001),
    )
    found = wire.exact(regular_messages, loaded, capture)
    assert [(d.hosts[1], d.priority) for d in found] == [(wire.OUTSIDE, "high")]
