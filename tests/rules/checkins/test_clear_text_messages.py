"""CHK006: clear text in an unknown protocol; quiet on binary data and on ports with a service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, openings, packets, tables
from tests.conftest import case_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.clear_text_messages import clear_text_messages

REPORT = b"ll|'|'|SGFjS2Vk|'|'|PC-7|'|'|anna|'|'|Win 7"


def made(data: bytes, port: int = 5552, server: str = wire.OUTSIDE, protocol: str = "TCP") -> Any:
    rows = wire.session(0, 0, port=port, server=server, protocol=protocol)
    said = {"src": wire.CLIENT, "dst": server, "src_port": 40000, "dst_port": port, "data": data, "payload": len(data)}
    return tables(packets=packets(*rows), openings=openings(said))


def test_fields_that_report_about_a_machine_are_medium() -> None:
    found = drafts(clear_text_messages, made(REPORT))
    assert found[0].priority == "medium"
    assert "PC-7|'|'|anna" in found[0].summary
    assert "5 fields" in found[0].summary


def test_quiet_on_http_requests_that_were_never_finished() -> None:
    assert not drafts(clear_text_messages, made(b"GET / HTTP/1.1\r\nHost: 203.0.113.9\r\nX-a: b; c; d; e\r\n", port=80))


def test_four_fields_are_enough_and_three_are_not() -> None:
    assert drafts(clear_text_messages, made(b"one|two|three|four"))[0].priority == "medium"
    assert drafts(clear_text_messages, made(b"one|two|three"))[0].priority == "low"


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":1,"method":"mining.subscribe","params":["miner 0.3"]}',
        b'{"method": "login", "params": {"login": "4BCe", "pass": "x", "agent": "miner/2"}}',
    ],
)
def test_stratum_is_medium(data: bytes) -> None:
    found = drafts(clear_text_messages, made(data, port=3333))
    assert [d.priority for d in found] == ["medium"]
    assert "Stratum" in found[0].title


@pytest.mark.parametrize("data", [b'{"method":"login","user":"anna"}', b'{"id":1,"method":"subscribe","params":[]}'])
def test_other_json_calls_are_low(data: bytes) -> None:
    assert drafts(clear_text_messages, made(data, port=3333))[0].priority == "low"


def test_inside_is_low() -> None:
    assert drafts(clear_text_messages, made(REPORT, server=wire.INSIDE))[0].priority == "low"


@pytest.mark.parametrize("data", [b"\x00\x01\x02\x03\x04binary|a|b|c|d", b"1|2|3|4", b"short"])
def test_quiet_on_what_is_no_text(data: bytes) -> None:
    assert not drafts(clear_text_messages, made(data))


def test_quiet_on_known_services_and_protocols() -> None:
    assert not drafts(clear_text_messages, made(REPORT, port=6379))
    assert not drafts(clear_text_messages, made(REPORT, protocol="IRC"))


def test_filter_selects_the_payload(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [(0.1, ">", REPORT), (0.5, "<", b"inf|'|'|" + b"A" * 20), (3.0, ">", b"act|'|'|Desktop here")]
    near = wire.tcp(1, [(0.1, ">", bytes(range(128, 250)))], port=5553, client_port=50000)
    found = wire.exact(clear_text_messages, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, talk, port=5552), near))
    assert len(found[0].frames) == 3
    assert found[0].priority == "medium"


@pytest.mark.shared
def test_what_is_told_as_regular_messages_is_not_told_again(loaded: wire.Read) -> None:
    assert not drafts(clear_text_messages, loaded(case_capture("strrat_beacon")).tables)
