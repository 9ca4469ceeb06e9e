"""The lines of each protocol that become logins: continuation lines, one-line forms, and odd ports."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.builders import family, tables
from tests.conftest import case_capture
from tests.rules.access import wire
from tshark_report.rules.access import _logins
from tshark_report.rules.access._common import base64_text, many_within
from tshark_report.rules.access._login import ACCEPTED, REFUSED, UNKNOWN, Login

PLAIN = base64.b64encode(b"\0anna\0hush!").decode()


def b64(text: str) -> bytes:
    return base64.b64encode(text.encode())


def one(loaded: Any, path: Path, port: int, said: list[tuple[str, bytes]]) -> Login:
    made = wire.conversation(0, wire.CLIENT, wire.SERVER, (48000, port), said)
    found = _logins.every(loaded(wire.write(path, made)).tables)
    assert len(found) == 1
    return found[0]


CONVERSATIONS: list[tuple[str, int, list[tuple[str, bytes]], str]] = [
    (
        "SMTP", 25,
        [("s", b"220 mail\r\n"), ("c", b"EHLO x\r\n"), ("s", b"250-mail\r\n250 AUTH LOGIN PLAIN\r\n"), ("c", b"AUTH LOGIN\r\n"),
         ("s", b"334 VXNlcm5hbWU6\r\n"), ("c", b64("anna") + b"\r\n"), ("s", b"334 UGFzc3dvcmQ6\r\n"), ("c", b64("hush!") + b"\r\n"),
         ("s", b"235 ok\r\n")],
        ACCEPTED,
    ),
    (
        "SMTP", 25,
        [("s", b"220 mail\r\n"), ("c", b"EHLO x\r\n"), ("s", b"250 AUTH PLAIN\r\n"), ("c", f"AUTH PLAIN {PLAIN}\r\n".encode()),
         ("s", b"535 no\r\n")],
        REFUSED,
    ),
    (
        "IMAP", 143,
        [("s", b"* OK ready\r\n"), ("c", b'a1 LOGIN "anna" "hush!"\r\n'), ("s", b"a1 NO no\r\n")],
        REFUSED,
    ),
    (
        "IMAP", 143,
        [("s", b"* OK ready\r\n"), ("c", f"a1 AUTHENTICATE PLAIN {PLAIN}\r\n".encode()), ("s", b"a1 OK in\r\n")],
        ACCEPTED,
    ),
    (
        "POP3", 110,
        [("s", b"+OK ready\r\n"), ("c", f"AUTH PLAIN {PLAIN}\r\n".encode()), ("s", b"-ERR no\r\n")],
        REFUSED,
    ),
    (
        "POP3", 110,
        [("s", b"+OK ready\r\n"), ("c", b"AUTH PLAIN\r\n"), ("s", b"+\r\n"), ("c", PLAIN.encode() + b"\r\n"), ("s", b"+OK in\r\n")],
        ACCEPTED,
    ),
    (
        "FTP", 21,
        [("s", b"220 ready\r\n"), ("c", b"USER anna\r\n"), ("s", b"331 password\r\n"), ("c", b"PASS hush!\r\n"), ("s", b"230 in\r\n")],
        ACCEPTED,
    ),
    (
        "FTP", 8884,
        [("s", b"220 ready\r\n"), ("c", b"USER anna\r\n"), ("s", b"331 password\r\n"), ("c", b"PASS hush!\r\n"), ("s", b"530 no\r\n")],
        REFUSED,
    ),
    ("HTTP Basic", 80, [("c", wire.http_request("GET", "/", headers=f"Authorization: Basic {b64('anna:hush!').decode()}\r\n"))], UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "port", "said", "outcome"), CONVERSATIONS)
def test_each_protocol_on_the_wire(
    loaded: Any, tmp_path: Path, protocol: str, port: int, said: list[tuple[str, bytes]], outcome: str
) -> None:
    login = one(loaded, tmp_path / "login.pcap", port, said)
    assert (login.protocol, login.user, login.secret_length, login.outcome) == (protocol, "anna", 5, outcome)
    assert (login.client, login.server, login.port) == (wire.CLIENT, wire.SERVER, port)
    assert "hush" not in repr(login)


def test_quiet_after_starttls(loaded: Any, tmp_path: Path) -> None:
    said = [
        ("s", b"220 mail\r\n"),
        ("c", b"EHLO x\r\n"),
        ("s", b"250 STARTTLS\r\n"),
        ("c", b"STARTTLS\r\n"),
        ("s", b"220 go\r\n"),
    ]
    said += [("c", b"\x16\x03\x01\x00\x40" + b"\1" * 64)]
    path = wire.write(tmp_path / "tls.pcap", wire.conversation(0, wire.CLIENT, wire.SERVER, (48000, 25), said))
    assert not _logins.every(loaded(path).tables)


def test_ppp_and_databases() -> None:
    row = {"protocol": "PGSQL", "login_secret": "hush!", "dst_port": 5432}
    found = _logins.every(
        tables(misc=family("misc", row, row | {"protocol": "MQTT", "login_secret": None, "login_user": "x"}))
    )
    assert [(login.protocol, login.secret_length) for login in found] == [("PostgreSQL", 5)]


def test_telnet_server_on_another_port_is_the_lower_one() -> None:
    server = {"src": wire.SERVER, "dst": wire.CLIENT, "src_port": 4001, "dst_port": 50000}
    client = {"src": wire.CLIENT, "dst": wire.SERVER, "src_port": 50000, "dst_port": 4001}
    said = [server | {"data": ["user name: "]}, client | {"data": ["anna\\r\\n"]}, server | {"data": ["Password: "]}]
    said += [client | {"data": ["a", "b\\r\\n"]}, server | {"data": ["login: "]}]
    found = _logins.every(tables(telnet=family("telnet", *said)))
    assert [(login.user, login.secret_length, login.outcome) for login in found] == [("anna", 3, REFUSED)]


@pytest.mark.parametrize(
    ("value", "text"),
    [("aGk=", "hi"), ("aGk", "hi"), ("a", None), ("abcde", None), ("not base64!", None), ("AAE=", None)],
)
def test_base64_text(value: str, text: str | None) -> None:
    assert base64_text(value) == text


def test_many_within_slides() -> None:
    moments = [(0.0, "a"), (1.0, "b"), (100.0, "c"), (101.0, "d"), (102.0, "c")]
    assert many_within(moments, 2, 10)
    assert not many_within(moments, 3, 10)
    assert many_within(moments, 3, 100)


@pytest.mark.shared
def test_published_logins(loaded: Any) -> None:
    telnet = _logins.every(loaded(case_capture("ndpi_telnet")).tables)
    assert [(login.user, login.secret_length, login.outcome) for login in telnet] == [("fake", 4, ACCEPTED)]
    ftp = _logins.every(loaded(case_capture("hn_attack_trace_lsass")).tables)
    assert [(login.user, login.port, login.outcome) for login in ftp] == [("1", 8884, ACCEPTED)]
