"""Bombs stay within bounds: bytes, rows, time, and the size of the page."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import signal
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.capture import standin
from tshark_report.capture import check, room
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


def test_a_gzip_bomb_is_unpacked_no_further_than_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.pcap.gz"
    bomb.write_bytes(gzip.compress(b"\0" * 30_000_000))
    monkeypatch.setattr(room, "UNPACKED_LIMIT", 5_000_000)
    made = check.decompress(bomb, tmp_path)
    assert made.stopped == made.path.stat().st_size
    assert 5_000_000 - check.PIECE < made.stopped <= 5_000_000
    assert not made.cut


def test_room_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.pcap.gz"
    bomb.write_bytes(gzip.compress(b"\0" * 30_000_000))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=8_000_000))
    assert check.decompress(bomb, tmp_path).stopped <= 4_000_000


@pytest.mark.tshark
def test_what_was_not_unpacked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = pcap(tmp_path / "c.pcap", ((1.6e9 + n, ip(17, udp(53, asked(n)).ljust(1400, b"x"))) for n in range(3000)))
    packed = tmp_path / "c.pcap.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    monkeypatch.setattr(room, "UNPACKED_LIMIT", 2_000_000)
    made = build(Request(packed))
    assert 600 < made.capture.packets < 1500
    assert any("was unpacked up to" in each and "not in this report" in each for each in made.limits)


@pytest.mark.tshark
@pytest.mark.parametrize("suffix", [".pcap", ".pcap.gz", ".pcapng"])
def test_more_packets_than_memory_has_room_for(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pcap(tmp_path / "c.pcap", ((1.6e9 + n / 10, ip(17, udp(53, asked(n)))) for n in range(900)))
    before = path.read_bytes()
    if suffix == ".pcap.gz":
        path = tmp_path / "c.pcap.gz"
        path.write_bytes(gzip.compress(before))
    elif suffix == ".pcapng":
        other = tmp_path / "c.pcapng"
        subprocess.run(["editcap", "-F", "pcapng", path, other], check=True)
        path = other
    monkeypatch.setattr(room, "most_packets", lambda: 500)
    made = build(Request(path))
    assert made.capture.packets == 500
    assert made.statistics.traffic.series
    assert not made.capture.truncated
    assert any("Only the first 500 of 900 packets were read" in each for each in made.limits)
    assert made.capture.file_bytes == path.stat().st_size
    assert made.capture.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (tmp_path / "c.pcap").read_bytes() == before, "the user's file is never touched"
    monkeypatch.setattr(room, "most_packets", lambda: 900)
    assert build(Request(path)).capture.packets == 900


@pytest.mark.tshark
def test_a_deadly_frame_in_a_capture_that_was_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are told: what there was no room for, and what tshark died on."""
    rows = [(1.6e9 + n / 10, ip(17, udp(9999, b"deadly" if n == 100 else b"fine"))) for n in range(900)]
    monkeypatch.setattr(room, "most_packets", lambda: 500)
    dying = standin.dying(tmp_path, b"deadly", signal.SIGSEGV)
    made = build(Request(pcap(tmp_path / "c.pcap", rows), tshark=dying))
    assert made.capture.packets == 500
    assert any("Only the first 500 of 900" in each for each in made.limits)
    assert any("SIGSEGV" in each and "frame 101" in each for each in made.limits)


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
    assert any("200 packets hold more than 8 headers of one kind" in each for each in made.limits)
