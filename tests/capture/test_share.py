"""Shared frames hold no original address and no payload, and tshark finds them right."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import FIXTURES, case_capture, fixture_capture
from tshark_report.capture import framing, pcapng, process, share
from tshark_report.capture.tshark import Tshark
from tshark_report.report.redact import Pseudonyms

Rows = list[tuple[bytes, int, int]]
FIXTURE_NAMES = sorted(path.parent.name for path in FIXTURES.glob("*/capture.pcap*"))


def rows_of(path: Path) -> Rows:
    """Bytes, length on the wire and LINKTYPE of each frame."""
    frames, data = framing.index(path), path.read_bytes()
    return [
        (data[at : at + captured], wire, link)
        for at, captured, wire, link in zip(frames.offset, frames.captured, frames.wire, frames.link, strict=True)
    ]


def shared(rows: Rows) -> tuple[list[tuple[bytes, int, int]], share.Seen, Pseudonyms]:
    """The frames as they would be handed out."""
    seen = share.Seen()
    for row in rows:
        share.rewritten(*row, seen.names())
    table = Pseudonyms(("ips", "macs"))
    table.reserve([*seen.ips, *seen.macs])
    return [share.rewritten(*row, share.Names(table.ip, table.mac)) for row in rows], seen, table


def packed(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", "")) if is_mac(text) else ipaddress.ip_address(text).packed


def is_mac(text: str) -> bool:
    return len(text) == 17 and text.count(":") == 5 and "::" not in text


@pytest.mark.parametrize("name", FIXTURE_NAMES)
def test_no_original_address_is_left_anywhere_in_the_bytes(name: str) -> None:
    rows = rows_of(fixture_capture(name))
    made, seen, table = shared(rows)
    stays = {text for text in seen.ips if table.ip(text) == text} | {m for m in seen.macs if table.mac(m) == m}
    for text in stays:
        assert text in ("0.0.0.0", "::", "255.255.255.255", "00:00:00:00:00:00") or is_group(text)
    whole = b"".join(data for data, _, _ in made)
    for text in (seen.ips | seen.macs) - stays:
        assert packed(text) not in whole, text
    assert all(data and wire >= len(data) for data, wire, _ in made)
    assert [wire for _, wire, _ in made] == [wire for _, wire, _ in rows]


def is_group(text: str) -> bool:
    if is_mac(text):
        return bool(int(text[:2], 16) & 1)
    return ipaddress.ip_address(text).is_multicast or ipaddress.ip_address(text).is_loopback


@pytest.mark.tshark
def test_tshark_reads_the_same_headers_and_finds_the_checksums_right(
    tshark: Tshark, env: dict[str, str], tmp_path: Path
) -> None:
    rows = rows_of(fixture_capture("odd_headers")) + rows_of(fixture_capture("quiet_hour"))[:400]
    made, _, _ = shared(rows)
    path, source = tmp_path / "shared.pcapng", tmp_path / "source.pcapng"
    path.write_bytes(pcapng.written(pcapng.Frame(*row, 1_700_000_000_000_000_000) for row in made))
    source.write_bytes(pcapng.written(pcapng.Frame(*row, 1_700_000_000_000_000_000) for row in rows))
    fields = ["frame.len", "ip.ttl", "ip.id", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.flags", "tcp.len",
              "udp.length", "arp.opcode"]  # fmt: skip
    assert read(tshark, env, path, fields) == read(tshark, env, source, fields)
    for check in ("ip.checksum.status", "tcp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status"):
        values = read(tshark, env, path, [check])
        assert "1" in values or check not in ("ip.checksum.status", "tcp.checksum.status")
        # 0 is bad, 1 good, 2 not verified because of missing bytes.
        assert "0" not in values, check


def read(tshark: Tshark, env: dict[str, str], path: Path, fields: list[str]) -> list[str]:
    args = [tshark.path, "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    args += [
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "ip.defragment:FALSE",
    ]
    done = process.run([*args, *(part for name in fields for part in ("-e", name))], timeout=60, env=env)
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize("name", ["zeek_teredo", "ndpi_vxlan_vlan", "ark_80211_http", "sv_syn_retransmit"])
def test_tunnels_tags_and_wireless(name: str) -> None:
    rows = rows_of(case_capture(name))[:1500]
    made, seen, table = shared(rows)
    whole = b"".join(data for data, _, _ in made)
    for text in seen.ips | seen.macs:
        if packed(text).count(0) < 3 and text not in (table.ip(text), table.mac(text)):
            assert packed(text) not in whole, text
    assert sum(1 for data, _, _ in made if data) > len(rows) * 0.9


def frame(payload: bytes, *, options: bytes = b"") -> bytes:
    """Ethernet, IPv4 with options, UDP."""
    header = 20 + len(options)
    ip = struct.pack(">BBHHHBBH", 0x40 | header // 4, 0, header + 8 + len(payload), 7, 0, 64, 17, 0)
    ip += bytes([10, 1, 2, 3, 192, 0, 2, 9]) + options
    udp = struct.pack(">HHHH", 4000, 53, 8 + len(payload), 0xBEEF)
    return bytes.fromhex("001b11223344001b55667788") + b"\x08\x00" + ip + udp + payload


def test_payload_and_options_are_gone_and_the_length_stays() -> None:
    secret = b"payload with a name"
    route = b"\x07\x07\x04" + bytes([10, 9, 8, 7]) + b"\0"
    made, _, _ = shared([(frame(secret, options=route), 200, share.ETHERNET)])
    data, wire, _ = made[0]
    assert wire == 200
    assert secret[:4] not in data
    assert bytes([10, 9, 8, 7]) not in data
    assert data[34:42] == b"\x01" * 8
    assert len(data) == 14 + 28 + 8


def test_padding_of_short_frames_is_zeros() -> None:
    made, _, _ = shared([(frame(b"") + b"old memory", 52, share.ETHERNET)])
    assert made[0][0][42:] == b"\0" * 10


def test_an_error_quotes_the_packet_under_the_same_pseudonyms() -> None:
    quoted = frame(b"x" * 20)[14:]
    error = b"\x03\x03\0\0\0\0\0\0" + quoted[:28]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(error), 8, 0, 64, 1, 0) + bytes([192, 0, 2, 9, 10, 1, 2, 3])
    made, _, table = shared([(b"\0" * 12 + b"\x08\x00" + ip + error, 14 + 20 + len(error), share.ETHERNET)])
    data = made[0][0]
    assert data[26:34] == packed(table.ip("192.0.2.9")) + packed(table.ip("10.1.2.3"))
    assert data[54:62] == packed(table.ip("10.1.2.3")) + packed(table.ip("192.0.2.9"))


def test_neighbour_discovery_follows_the_host() -> None:
    host = "fe80::21b:11ff:fe22:3344"
    target = ipaddress.ip_address(host).packed
    asked = b"\x87\0\0\0\0\0\0\0" + target + b"\x01\x01" + bytes.fromhex("001b55667788")
    group = ipaddress.ip_address("ff02::1:ff22:3344").packed
    ip = struct.pack(">IHBB", 0x60000000, len(asked), 58, 255) + ipaddress.ip_address("fe80::1").packed + group
    raw = bytes.fromhex("3333ff223344001b55667788") + b"\x86\xdd" + ip + asked
    made, _, table = shared([(raw, len(raw), share.ETHERNET)])
    data = made[0][0]
    new = packed(table.ip(host))
    assert len(data) == len(raw)
    assert new in data
    assert data[38:54][-3:] == new[-3:] == data[3:6]
    assert bytes.fromhex("223344") not in data


def test_a_link_type_that_is_not_known_gives_nothing() -> None:
    assert share.rewritten(b"\x01\x02\x03" * 20, 60, 230, share.Seen().names()) == (b"", 60, 230)


@given(
    data=st.binary(max_size=120),
    link=st.sampled_from([0, 1, 101, 105, 108, 113, 127, 276, 281]),
    kind=st.sampled_from([b"", b"\x08\x00\x45", b"\x86\xdd\x60", b"\x81\x00\x00\x01\x88\x47", b"\x88\x64"]),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_taken(data: bytes, link: int, kind: bytes) -> None:
    raw = data[:12] + kind + data[12:]
    made, wire, _ = share.rewritten(raw, len(raw), link, share.Names(Pseudonyms(["ips"]).ip, Pseudonyms(["macs"]).mac))
    assert len(made) <= wire
