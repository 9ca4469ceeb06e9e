"""APP008: clocks and services that do not fit; wrong passwords and ordinary refusals do not count."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

from tests.builders import drafts, family, tables
from tests.rules.transport import wire
from tshark_report.rules.transport.kerberos_errors import kerberos_errors
from tshark_report.tables.tables import Tables

SERVER, CLIENT = "10.0.0.4", "10.0.0.5"


def refused(*errors: int) -> Tables:
    rows = ({"kind": 30, "error": e, "src": SERVER, "dst": CLIENT, "service": "cifs"} for e in errors)
    return tables(kerberos=family("kerberos", *rows))


def test_fires_at_three() -> None:
    found = drafts(kerberos_errors, refused(37, 37, 37))
    assert [(d.subject, d.priority) for d in found] == [(f"{CLIENT} clock", "medium")]
    assert "3 x KRB_AP_ERR_SKEW: the clocks differ too much" in found[0].summary
    assert not drafts(kerberos_errors, refused(37, 37))


def test_clock_and_the_rest_are_two_findings() -> None:
    found = drafts(kerberos_errors, refused(37, 7, 37, 7, 33, 7))
    assert [(d.subject, d.priority) for d in found] == [(f"{CLIENT} clock", "medium"), (CLIENT, "info")]
    assert list(found[0].frames) == [1, 3, 5]


def test_low_for_what_stops_all_work() -> None:
    assert drafts(kerberos_errors, refused(14, 7, 7))[0].priority == "low"


def test_quiet_on_passwords_and_ordinary_answers() -> None:
    assert not drafts(kerberos_errors, refused(*[24, 25, 6, 32, 52, 68] * 3))


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([tag, len(body)]) + body


def _error(code: int) -> bytes:
    """A KRB-ERROR (RFC 4120, section 5.9.1)."""
    number = lambda n: _der(0x02, bytes([n]))  # noqa: E731
    name = _der(0x30, _der(0xA0, number(2)), _der(0xA1, _der(0x30, _der(0x1B, b"krbtgt"), _der(0x1B, b"A.TEST"))))
    fields = (
        _der(0xA0, number(5)), _der(0xA1, number(30)), _der(0xA4, _der(0x18, b"20240506100000Z")), _der(0xA5, number(0)),
        _der(0xA6, number(code)), _der(0xA9, _der(0x1B, b"A.TEST")), _der(0xAA, name),
    )  # fmt: skip
    return _der(0x7E, _der(0x30, *fields))


def _datagram(src: str, dst: str, body: bytes) -> bytes:
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    udp = struct.pack(">HHHH", 88, 50000, 8 + len(body), 0) + body
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + ends + udp


def test_filter_selects_the_answers(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = [_datagram(SERVER, CLIENT, _error(code)) for code in (37, 25, 37, 33)]
    frames.append(_datagram(SERVER, "10.0.0.6", _error(37)))
    path = tmp_path / "k.pcap"
    with path.open("wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for n, frame in enumerate(frames):
            out.write(struct.pack("<IIII", 1_700_000_000 + n, 0, len(frame), len(frame)) + frame)
    found = drafts(kerberos_errors, loaded(path).tables)
    assert [list(d.frames) for d in found] == [[1, 3, 4]]
    assert "krbtgt" in found[0].summary
    assert wire.exact(path, found)
