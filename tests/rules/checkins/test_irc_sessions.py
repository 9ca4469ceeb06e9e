"""OUT011: IRC with a server outside; what tells a program's nickname and orders from a person's chat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, openings, packets, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.clear_text_messages import clear_text_messages
from tshark_report.rules.checkins.irc_sessions import irc_sessions
from tshark_report.rules.checkins.protocols_on_odd_ports import protocols_on_odd_ports


def made(
    nick: bytes = b"anna", port: int = 6667, answer: bytes = b":x 001 anna :Welcome", server: str = wire.OUTSIDE
) -> Any:
    lines = [
        {"src": wire.CLIENT, "dst": server, "data": b"NICK " + nick + b"\r\nUSER a 0 0 :a\r\n", "payload": 30},
        {"src": wire.CLIENT, "dst": server, "data": b"JOIN #room\r\n", "payload": 12, "order": 1},
        {"src": server, "dst": wire.CLIENT, "data": answer, "payload": len(answer)},
    ]
    return tables(
        packets=packets(*wire.session(0, 0, port=port, server=server, protocol="IRC")), openings=openings(*lines)
    )


def test_a_person_on_the_usual_port_is_low() -> None:
    found = drafts(irc_sessions, made())
    assert found[0].priority == "low"
    assert "nickname anna, channel #room" in found[0].summary


def test_one_sign_is_medium_and_two_are_high() -> None:
    assert drafts(irc_sessions, made(b"USA|4711"))[0].priority == "medium"
    assert drafts(irc_sessions, made(port=5050))[0].priority == "medium"
    assert (
        drafts(irc_sessions, made(b"USA|4711", answer=b":x 332 a #room :.advscan lsass 100 5 0"))[0].priority == "high"
    )


def test_four_digits_make_a_nickname_odd_and_three_do_not() -> None:
    assert drafts(irc_sessions, made(b"anna1234"))[0].priority == "medium"
    assert drafts(irc_sessions, made(b"anna123"))[0].priority == "low"


def test_quiet_inside_and_not_told_twice() -> None:
    assert not drafts(irc_sessions, made(server=wire.INSIDE))
    assert not drafts(protocols_on_odd_ports, made(port=5050))


def test_filter_selects_the_payload(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [
        (0.1, ">", b"NICK XP|99812\r\nUSER a 0 0 :a\r\n"),
        (0.2, "<", b":x 001 XP|99812 :Welcome\r\n"),
        (0.3, ">", b"JOIN #x\r\n"),
    ]
    near = wire.tcp(1, [(0.1, ">", wire.request("GET", "/", "www.x.example"))], port=80, client_port=50000)
    capture = wire.write(tmp_path / "a.pcap", wire.tcp(0, talk, port=5050), near)
    found = wire.exact(irc_sessions, loaded, capture)
    assert len(found[0].frames) == 3
    assert found[0].priority == "high"
    assert not drafts(clear_text_messages, loaded(capture).tables)
