"""Bytes of packets: openings of streams, and signatures in frames."""

from __future__ import annotations

import mmap
from pathlib import Path

import polars as pl
import pytest

from tests import builders as b
from tests.rules.delivery import wire
from tshark_report.capture import framing, payload


def _read(path: Path, packets: pl.DataFrame, hits: payload.Hits | None = None) -> payload.Sides:
    return payload.read(path, framing.index(path), packets, hits)


def _packets(*rows: dict) -> pl.DataFrame:
    return b.packets(*rows)


def _file(path: Path, *bodies: bytes) -> Path:
    """Ethernet, IPv4 and TCP headers of 54 bytes in front of each body."""
    return wire.write(path, [(float(place), bytes(40) + body) for place, body in enumerate(bodies)])


def _row(body: bytes, **columns: object) -> dict:
    return {"length": 54 + len(body), "payload": len(body), "ip_length": 40 + len(body)} | columns


def test_openings_hold_the_first_packets_of_each_direction(tmp_path: Path) -> None:
    bodies = [b"one", b"two", b"answer", b"three", b"four", bytes(400)]
    back = {"src": b.OUTSIDE, "dst": b.CLIENT, "src_port": 443, "dst_port": 40000}
    rows = [_row(body) | (back if place in (2, 5) else {}) for place, body in enumerate(bodies)]
    made = _read(_file(tmp_path / "a.pcap", *bodies), _packets(*rows)).openings
    assert made.select("frame", "order", "data", "payload").rows() == [
        (1, 0, b"one", 3), (2, 1, b"two", 3), (3, 0, b"answer", 6), (4, 2, b"three", 5), (6, 1, bytes(256), 400)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("protocols", "before"),
    [
        ("eth:ethertype:ip:tcp", b""),
        ("eth:ethertype:vlan:ethertype:ip:tcp", b"vlan"),
        ("eth:ethertype:ipv6:tcp", bytes(20)),
        ("eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:tcp", bytes(50)),
        ("eth:pppoes:ppp:ip:tcp", bytes(8)),
        ("sll:ethertype:ip:tcp", b"xx"),
    ],
)
def test_payload_lies_at_the_end_of_the_packet(tmp_path: Path, protocols: str, before: bytes) -> None:
    body = b"payload of the packet"
    inner = 40 + len(body) if protocols.count("ipv6") == 0 else 20 + len(body)
    path = _file(tmp_path / "a.pcap", before + body)
    row = _row(before + body) | {"payload": len(body), "ip_length": inner, "protocols": protocols}
    assert _read(path, _packets(row)).openings["data"][0] == body


def test_padding_of_short_frames_is_no_payload(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.pcap", b"ab" + bytes(4))
    row = _row(b"ab" + bytes(4)) | {"payload": 2, "ip_length": 42}
    assert _read(path, _packets(row)).openings["data"][0] == b"ab"


def test_wireless_frames_may_end_in_a_check_sum(tmp_path: Path) -> None:
    frame = bytes(30) + b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + bytes(40) + b"hello" + b"fcs!"
    path = wire.write(tmp_path / "a.pcap", [(0.0, frame)])
    row = {"length": 14 + len(frame), "payload": 5, "ip_length": 45, "protocols": "radiotap:wlan:llc:ip:tcp"}
    assert _read(path, _packets(row)).openings["data"][0] == b"hello"


def test_frames_that_the_capture_cut_or_does_not_hold(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.pcap", b"abc")
    lost = {"length": 2000, "payload": 10, "ip_length": 1986}
    missing = _row(b"abc", frame=7)
    made = _read(path, _packets(lost, missing)).openings
    assert made["data"].to_list() == [b"", b""]


def test_payload_of_one_row(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.pcap", b"hello world")
    row = _packets(_row(b"hello world")).row(0, named=True)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert payload.payload_of(data, framing.index(path), row, 5) == b"hello"


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (wire.pe(), ["mz-header", "dos-stub"]),
        (wire.elf(), ["elf"]),
        (b"\x7fELFish text", []),
        (b"x=${jndi:ldap://a}", ["jndi"]),
        (b"TVqQAAMAAAAEAAAA//8AALg", ["base64-executable"]),
        (b"Microsoft Windows XP [Version 5.1.2600]", ["windows-prompt"]),
        (rb"echo -ne '\x7f\x45\x4c\x46\x01'", ["escaped-executable"]),
        (b"cat /etc/passwd | powershell", ["powershell", "password-file"]),
        (b"nothing of the kind", []),
    ],
)
def test_signatures(tmp_path: Path, body: bytes, kinds: list[str]) -> None:
    made = _read(_file(tmp_path / "a.pcap", body), _packets(_row(body))).signatures
    assert sorted(made["kind"].to_list()) == sorted(kinds)


def test_a_hit_keeps_what_stands_around_it(tmp_path: Path) -> None:
    body = b"HTTP/1.1 200 OK\r\n\r\n" + wire.pe()
    made = _read(_file(tmp_path / "a.pcap", bytes(600) + body), _packets(_row(bytes(600) + body))).signatures
    stub = made.filter(pl.col("kind") == "dos-stub")["context"][0]
    assert b"HTTP/1.1 200 OK\r\n\r\nMZ" in stub
    assert len(stub) == 512 + len(payload.SIGNATURES[0][1]) + 128
    text = bytes(600) + b"${jndi:" + bytes(600)
    near = _read(_file(tmp_path / "b.pcap", text), _packets(_row(text))).signatures["context"][0]
    assert len(near) == 64 + 7 + 128


def test_a_text_across_two_frames_or_in_a_header_is_no_hit(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.pcap", b"${jn", b"di:x")
    assert _read(path, _packets(_row(b"${jn"), _row(b"di:x"))).signatures.is_empty()


def test_a_text_outside_of_frames_is_no_hit(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.pcap", b"abc")
    beside: payload.Hits = [("jndi", 4, 7), ("jndi", 30, 7), ("jndi", path.stat().st_size - 3, 7)]
    assert _read(path, _packets(_row(b"abc")), beside).signatures.is_empty()


def test_search_finds_across_pieces_and_counts_each_place_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"a cmd.exe b cmd.exe " * 30
    path = _file(tmp_path / "a.pcap", body, body)
    whole = payload.search(path)
    assert len(whole) == 120
    for piece, chunk in ((7, 7), (10, 3), (64, 10), (1000, 7), (1000, 64)):
        monkeypatch.setattr(payload, "PIECE", piece)
        monkeypatch.setattr(payload, "CHUNK", chunk)
        assert sorted(payload.search(path)) == sorted(whole)
    packets = _packets(_row(body), _row(body))
    assert _read(path, packets, whole).signatures["frame"].to_list() == [1, 2]


def test_hits_of_one_text_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "MOST_HITS", 5)
    hits = payload.search(_file(tmp_path / "a.pcap", b"cmd.exe " * 20 + b"${jndi:"))
    assert [kind for kind, _, _ in hits].count("windows-shell") == 5
    assert [kind for kind, _, _ in hits].count("jndi") == 1
