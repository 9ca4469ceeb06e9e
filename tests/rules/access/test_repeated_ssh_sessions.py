"""LOG003: fires at ten short sessions of one size; quiet below, on long and unlike ones, and on polling."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import START, drafts, openings
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import rows, wire
from tshark_report.rules.access.repeated_ssh_sessions import repeated_ssh_sessions


def ssh(
    number: int,
    *,
    gap: float = 2.0,
    down: Any = 1800,
    seconds: float = 1.0,
    port: int = 22,
    banner: bytes = b"SSH-2.0-x\r\n",
) -> Any:
    sizes = down if callable(down) else lambda i: down
    made = [rows.session(i, at=i * gap, down=sizes(i), seconds=seconds, port=port) for i in range(number)]
    first = [
        {"stream": i, "src": rows.SERVER, "dst": rows.CLIENT, "src_port": port, "data": banner, "time": START + i * gap}
        for i in range(number)
    ]
    return rows.sessions(*made, openings=openings(*first))


def test_fires_at_ten_sessions_on_any_port() -> None:
    found = drafts(repeated_ssh_sessions, ssh(10, port=902))
    assert [(d.priority, d.hosts) for d in found] == [("high", (rows.CLIENT, rows.SERVER))]
    assert "unusual port" in found[0].summary


def test_quiet_at_nine() -> None:
    assert not drafts(repeated_ssh_sessions, ssh(9))


@pytest.mark.parametrize(
    "other",
    [
        {"down": 50_000},
        {"seconds": 600.0},
        {"down": lambda i: 900 * (i + 1)},
        {"banner": b"220 mail ESMTP"},
        {"gap": 400.0},
    ],
    ids=["large", "long", "unlike", "no-ssh", "spread"],
)
def test_quiet_on_look_alikes(other: dict[str, Any]) -> None:
    assert not drafts(repeated_ssh_sessions, ssh(12, **other))


def test_low_at_the_pace_of_a_script() -> None:
    found = drafts(repeated_ssh_sessions, ssh(20, gap=60.0))
    assert found[0].priority == "low"
    assert found[0].lowered_because


def test_sure_from_twice_the_number_on() -> None:
    assert drafts(repeated_ssh_sessions, ssh(19))[0].confidence == "medium"
    assert drafts(repeated_ssh_sessions, ssh(20))[0].confidence == "high"


def test_a_longer_session_before_the_tries_is_no_login_that_worked() -> None:
    found = drafts(repeated_ssh_sessions, ssh(11, down=lambda i: 90_000 if i == 0 else 1800))
    assert "longer session followed" not in found[0].summary
    assert "None of them stands out" in found[0].summary


def test_tells_of_a_longer_session_afterwards() -> None:
    found = drafts(repeated_ssh_sessions, ssh(11, down=lambda i: 90_000 if i == 10 else 1800))
    assert "longer session followed" in found[0].summary


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("password_guessing")
    found = drafts(repeated_ssh_sessions, loaded(path).tables)
    assert [d.hosts for d in found] == [("10.20.0.66", "10.20.0.10")]
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("slips_ssh_bruteforce")
    found = drafts(repeated_ssh_sessions, loaded(path).tables)
    assert "147.32.80.37 port 902" in found[0].summary
    assert wire.exact(path, found[0])


def test_tells_of_the_session_that_carried_more() -> None:
    found = drafts(repeated_ssh_sessions, ssh(12, down=lambda i: 2500 if i == 11 else 1800))
    assert "2,500 against 1,800 bytes" in found[0].summary


def test_every_packet_where_the_starts_are_missing() -> None:
    made = [row for i in range(10) for row in rows.session(i, at=i * 2.0)[3:]]
    first = [
        {"stream": i, "src": rows.SERVER, "dst": rows.CLIENT, "src_port": 22, "data": b"SSH-2.0-x"} for i in range(10)
    ]
    found = drafts(repeated_ssh_sessions, rows.sessions(made, openings=openings(*first)))
    assert len(found[0].frames) == 20


REFUSED = "c41 S41 c1448 c112 S1088 c1208 S1448 S116 c16 c44 S44 c60 S76 c148 S76"
LET_IN = (
    "c41 S41 c1448 c112 S1088 c1208 S1448 S116 c16 c44 S44 c60 S76 c140 S100 c308 S28 c112 S444 S44 c52 S72 c36 S100"
)
LIBSSH = "c23 S41 c904 S1088 c48 S524 c16 c44 S44 c60 S76 c52 S76 c52 S76"
"""Payload of the segments of real OpenSSH and libssh sessions, client (c) and server (S)."""


def told(shape: str, stream: int, at: float) -> list[dict[str, Any]]:
    made = rows.session(stream, at=at)[:3]
    for place, word in enumerate(shape.split()):
        up, size = word[0] == "c", int(word[1:])
        ends = (rows.CLIENT, rows.SERVER) if up else (rows.SERVER, rows.CLIENT)
        ports = (40000 + stream, 22) if up else (22, 40000 + stream)
        time = START + at + 0.01 * (place + 1)
        made.append(
            {"src": ends[0], "dst": ends[1], "src_port": ports[0], "dst_port": ports[1], "stream": stream, "time": time,
             "flags": 0x18, "payload": size}
        )  # fmt: skip
    return made


def visits(shapes: list[str]) -> Any:
    banner = [
        {"stream": i, "src": rows.SERVER, "dst": rows.CLIENT, "src_port": 22, "data": b"SSH-2.0-x\r\n"}
        for i in range(len(shapes))
    ]
    return rows.sessions(*[told(s, i, 2.0 * i) for i, s in enumerate(shapes)], openings=openings(*banner))


@pytest.mark.parametrize("shape", [REFUSED, LIBSSH])
def test_refused_sessions_by_the_sizes_of_their_segments(shape: str) -> None:
    assert drafts(repeated_ssh_sessions, visits([shape] * 12))[0].priority == "high"


def test_quiet_on_a_script_that_logs_in_each_time() -> None:
    assert not drafts(repeated_ssh_sessions, visits([LET_IN] * 20))
    assert not drafts(repeated_ssh_sessions, visits([LET_IN] * 20 + [REFUSED] * 8))


def test_one_hit_among_guesses_stays_a_guess() -> None:
    found = drafts(repeated_ssh_sessions, visits([REFUSED] * 12 + [LET_IN]))
    assert "13 short SSH sessions" in found[0].summary
    found = drafts(repeated_ssh_sessions, visits([LET_IN] * 8 + [REFUSED] * 12))
    assert "12 short SSH sessions" in found[0].summary
