"""Bombs stay within bounds: bytes, rows, time, and the size of the page."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest

from tshark_report.capture import check
from tshark_report.errors import CaptureUnreadable
from tshark_report.pipeline import build
from tshark_report.reading import Request
from tshark_report.report import as_html
from tshark_report.report.model import Report

MOST_HTML = 2_000_000
DAY = 86_400


def pcap(path: Path, packets: Iterable[tuple[float, bytes]]) -> Path:
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for time, data in packets:
            out.write(struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(data), len(data)) + data)
    return path


def ip(protocol: int, payload: bytes, *, identity: int = 1, fragment: int = 0, source: int = 2) -> bytes:
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identity, fragment, 64, protocol, 0,
                       bytes([10, 0, 0, source]), bytes([198, 51, 100, 7]))  # fmt: skip
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + head + payload


def udp(port: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload


def asked(number: int) -> bytes:
    name = b"".join(bytes([len(part)]) + part for part in (b"n%07d" % number, b"bomb", b"example")) + b"\0"
    return struct.pack(">HHHHHH", number & 0xFFFF, 0x100, 1, 0, 0, 0) + name + b"\0\x01\0\x01"


def told(path: Path) -> tuple[Report, str]:
    made = build(Request(path))
    page = as_html.render(made)
    assert len(page) < MOST_HTML
    return made, page


def test_a_gzip_bomb_is_refused_and_leaves_the_disk_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.pcap.gz"
    bomb.write_bytes(gzip.compress(b"\0" * 30_000_000))
    monkeypatch.setattr(check, "DECOMPRESSED_LIMIT", 5_000_000)
    with pytest.raises(CaptureUnreadable) as caught:
        check.decompress(bomb, tmp_path)
    assert "too large" in caught.value.what
    assert (tmp_path / "capture").stat().st_size < 5_000_000 + 2 * check.PIECE


def test_room_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.pcap.gz"
    bomb.write_bytes(gzip.compress(b"\0" * 30_000_000))
    monkeypatch.setattr(check, "ROOM_LEFT", 1 << 60)
    with pytest.raises(CaptureUnreadable):
        check.decompress(bomb, tmp_path)


@pytest.mark.tshark
def test_a_capture_of_600_days(tmp_path: Path) -> None:
    path = pcap(tmp_path / "c.pcap", ((1.6e9 + n * DAY / 2, ip(17, udp(53, asked(n)))) for n in range(1200)))
    made, _ = told(path)
    assert made.capture.packets == 1200
    assert made.capture.duration_s > 599 * DAY
    assert all(len(series.packets) <= 500 for series in made.statistics.traffic.series)


@pytest.mark.tshark
def test_names_without_end(tmp_path: Path) -> None:
    path = pcap(tmp_path / "c.pcap", ((1.6e9 + n / 1000, ip(17, udp(53, asked(n)))) for n in range(20_000)))
    made, _ = told(path)
    assert made.capture.packets == 20_000
    assert 0 < len(made.dns.names) < 1000


@pytest.mark.tshark
def test_one_datagram_of_tiny_fragments_without_end(tmp_path: Path) -> None:
    rows = ((1.6e9 + n / 1e4, ip(17, b"\0" * 8, identity=7, fragment=0x2000 | (n % 8000))) for n in range(12_000))
    made, _ = told(pcap(tmp_path / "c.pcap", rows))
    assert made.capture.packets == 12_000


@pytest.mark.tshark
def test_tunnels_in_tunnels(tmp_path: Path) -> None:
    inner = ip(17, udp(53, asked(1)))[14:]
    for _ in range(60):
        inner = ip(4, inner)[14:]
    path = pcap(tmp_path / "c.pcap", [(1.6e9 + n, ip(4, inner)) for n in range(200)])
    made, _ = told(path)
    assert made.capture.packets == 200
