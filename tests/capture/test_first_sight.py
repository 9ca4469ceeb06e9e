"""The guess whether packets hold others."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.conftest import case_capture, fixture_capture
from tshark_report.capture import framing
from tshark_report.capture.first_sight import seems_layered

ETHERNET = bytes(12)
PORTS = struct.pack(">HH", 40000, 53)


def ip4(protocol: int, upper: bytes) -> bytes:
    return b"\x45\0\0\x64" + bytes(5) + bytes([protocol]) + bytes(10) + upper.ljust(44, b"\0")


def ip6(following: int, upper: bytes) -> bytes:
    return b"\x60" + bytes(5) + bytes([following, 64]) + bytes(32) + upper.ljust(44, b"\0")


def capture(folder: Path, packet: bytes, link: int = 1) -> Path:
    made = folder / "c.pcap"
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    made.write_bytes(head + struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet)
    return made


def guess(path: Path) -> bool:
    return seems_layered(path, framing.index(path))


@pytest.mark.parametrize(
    ("packet", "layered"),
    [
        (b"\x08\0" + ip4(17, PORTS), False),
        (b"\x08\0" + ip4(17, struct.pack(">HH", 40000, 4789)), True),
        (b"\x08\0" + ip4(6, PORTS), False),
        (b"\x08\0" + ip4(1, b"\x08"), False),
        (b"\x08\0" + ip4(1, b"\x03"), True),
        (b"\x08\0" + ip4(47, PORTS), True),
        (b"\x81\0\0\x05\x08\0" + ip4(1, b"\x0b"), True),
        (b"\x81\0\0\x05\x08\0" + ip4(1, b"\x08"), False),
        (b"\x86\xdd" + ip6(58, b"\x01"), True),
        (b"\x86\xdd" + ip6(58, b"\x87"), False),
        (b"\x86\xdd" + ip6(44, b""), True),
        (b"\x86\xdd" + ip6(0, b"\x3a\0\x05\x02"), False),
        (b"\x08\x06" + bytes(60), False),
        (b"\x08\0", False),
    ],
)
def test_guess(tmp_path: Path, packet: bytes, layered: bool) -> None:
    assert guess(capture(tmp_path, ETHERNET + packet)) is layered


@pytest.mark.parametrize(("link", "layered"), [(127, True), (0, False), (195, False)])
def test_other_links(tmp_path: Path, link: int, layered: bool) -> None:
    assert guess(capture(tmp_path, bytes(60), link)) is layered


def test_published_captures() -> None:
    assert guess(case_capture("ndpi_vxlan_vlan"))
    assert guess(case_capture("mal_backscatter"))
    assert not guess(fixture_capture("port_scan"))
