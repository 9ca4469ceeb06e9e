"""LOG012: refusals counted inside SSH sessions; quiet on people with many keys and on sessions that log in."""

from __future__ import annotations

from typing import Any

from tests.builders import START, drafts, openings
from tests.rules.access import rows
from tshark_report.rules.access.refused_ssh_tries import refused_ssh_tries

BEGIN = "c23 S41 c904 S1088 c48 S524 c16 c44 S44 c60 S76"
"""A session of libssh up to its question which methods there are; payload of client (c) and server (S)."""


def visits(*tries: int, sources: int = 1, end: str = "", gap: float = 5.0) -> Any:
    made, banner = [], []
    for stream, number in enumerate(tries):
        client = f"10.0.0.{60 + stream % sources}"
        made.append(rows.session(stream, client=client, at=gap * stream)[:3])
        for place, word in enumerate(f"{BEGIN} {'c76 S76 ' * number}{end}".split()):
            ends, ports = (client, rows.SERVER), (40000 + stream, 22)
            if word[0] == "S":
                ends, ports = ends[::-1], ports[::-1]
            made[-1].append(
                {"src": ends[0], "dst": ends[1], "src_port": ports[0], "dst_port": ports[1], "stream": stream,
                 "time": START + gap * stream + 0.01 * (place + 1), "flags": 0x18, "payload": int(word[1:])}
            )  # fmt: skip
        banner.append({"stream": stream, "src": rows.SERVER, "dst": client, "src_port": 22, "data": b"SSH-2.0-x\r\n"})
    return rows.sessions(*made, openings=openings(*banner))


def test_twenty_tries_in_four_sessions_and_quiet_below() -> None:
    found = drafts(refused_ssh_tries, visits(5, 5, 5, 5))
    assert [(d.hosts, d.priority) for d in found] == [(("10.0.0.60", rows.SERVER), "high")]
    assert "about 20 tries of 10.0.0.60 in 4 sessions" in found[0].summary
    assert not drafts(refused_ssh_tries, visits(5, 5, 5, 4))
    assert not drafts(refused_ssh_tries, visits(9, 9, 9))


def test_several_clients_are_one_event() -> None:
    found = drafts(refused_ssh_tries, visits(4, 4, 4, 4, 4, 4, sources=3))
    assert [d.subject for d in found] == ["several to 10.0.0.80:22"]
    assert "3 clients (10.0.0.60, 10.0.0.61 and 10.0.0.62)" in found[0].summary


def test_sessions_that_log_in_do_not_count() -> None:
    assert not drafts(refused_ssh_tries, visits(5, 5, 5, 5, 5, end="c300 S28 c112 S444"))
    assert not drafts(refused_ssh_tries, visits(0, 0, 0, 0, 0, 0))


def test_keys_typed_and_echoed_are_no_tries() -> None:
    assert drafts(refused_ssh_tries, visits(20, 20, 20, 20))
    assert not drafts(refused_ssh_tries, visits(21, 21, 21, 21))
    assert not drafts(refused_ssh_tries, visits(5, 5, 5, 5, 5, end="S1400 " * 9))


def test_quiet_where_it_is_spread_over_hours() -> None:
    assert not drafts(refused_ssh_tries, visits(5, 5, 5, 5, 5, 5, gap=700.0))


def test_what_is_told_as_many_sessions_is_not_told_twice() -> None:
    assert not drafts(refused_ssh_tries, visits(*[5] * 12))
