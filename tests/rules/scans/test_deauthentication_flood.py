"""LNK006: stations thrown off the Wi-Fi."""

from __future__ import annotations

import struct

import pytest

from tests.builders import START, drafts, family, packets, tables
from tests.rules.scans.wire import Tape, read, same_frames
from tshark_report.rules.scans.deauthentication_flood import deauthentication_flood
from tshark_report.tables.tables import Tables

AP, STATION = "02:00:00:00:0a:01", "02:00:00:00:0b:01"


def made(count: int, seconds: float = 9.9, subtype: int = 0x0C, ssid: str = "office") -> Tables:
    rows = [
        {
            "subtype": subtype,
            "bssid": AP,
            "reason": 7,
            "frame": n + 2,
            "time": START + n * seconds / count,
            "src": None,
            "dst": None,
        }
        for n in range(count)
    ]
    beacon = {"subtype": 0x08, "bssid": AP, "ssid": ssid, "frame": 1, "time": START}
    wide = [{"frame": row["frame"], "time": row["time"], "eth_src": AP, "eth_dst": STATION} for row in rows]
    return tables(wlan=family("wlan", beacon, *rows), packets=packets({"frame": 1}, *wide))


def test_fires_at_20_in_ten_seconds_and_is_quiet_at_19() -> None:
    found = drafts(deauthentication_flood, made(20))
    assert [(d.subject, d.priority) for d in found] == [(AP, "medium")]
    assert f"office ({AP})" in found[0].summary
    assert STATION in found[0].summary
    assert "reason code 7" in found[0].summary
    assert not drafts(deauthentication_flood, made(19))


def test_disassociation_counts_and_slow_or_other_frames_do_not() -> None:
    assert "disassociation" in drafts(deauthentication_flood, made(25, subtype=0x0A))[0].summary
    assert not drafts(deauthentication_flood, made(60, seconds=60))
    assert not drafts(deauthentication_flood, made(60, subtype=0x0B))


def frame(kind: int, source: str, target: str, body: bytes) -> bytes:
    head = struct.pack("<HH", kind << 4, 0) + bytes.fromhex((target + source + AP).replace(":", ""))
    return head + struct.pack("<H", 0) + body


@pytest.mark.tshark
def test_on_the_air(tmp_path) -> None:
    tape = Tape()
    tape.add(frame(8, AP, "ff:ff:ff:ff:ff:ff", b"\0" * 8 + struct.pack("<HH", 100, 1) + b"\x00\x06office"))
    for _ in range(40):
        tape.add(frame(12, AP, STATION, struct.pack("<H", 7)), frame(12, STATION, AP, struct.pack("<H", 7)))
    tape.add(frame(11, STATION, AP, struct.pack("<HHH", 0, 1, 0)))
    path = tape.save(tmp_path / "air.pcap", link_type=105)
    found = drafts(deauthentication_flood, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [len(d.frames) for d in found] == [80]
    assert "office" in found[0].summary
