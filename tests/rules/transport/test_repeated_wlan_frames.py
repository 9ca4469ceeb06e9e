"""WLN003: the share of 802.11 data frames that were sent again."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tests.builders import drafts, family, packets, tables
from tests.rules.transport import wire
from tshark_report.rules.base import Draft
from tshark_report.rules.transport.repeated_wlan_frames import repeated_wlan_frames

CELL, STATION, EVERYONE = "02:00:00:00:00:c1", "02:00:00:00:00:51", "ff:ff:ff:ff:ff:ff"


def found(number: int, again: int, *, subtype: int = 0x28, to: str = STATION) -> list[Draft]:
    rows = [{"frame": n + 1, "subtype": subtype, "bssid": CELL, "retry": n < again} for n in range(number)]
    ends = ({"frame": n + 1, "eth_src": CELL, "eth_dst": to} for n in range(number))
    return drafts(repeated_wlan_frames, tables(wlan=family("wlan", *rows), packets=packets(*ends)))


def test_fires_at_twenty_percent_and_is_medium_at_forty() -> None:
    made = found(200, 40)
    assert [(d.subject, d.priority, len(d.frames)) for d in made] == [(CELL, "low", 40)]
    assert "40 of 200 802.11 data frames (20.0 %)" in made[0].summary
    assert f"{CELL} to {STATION} 20 %" in made[0].summary
    assert not found(200, 39)
    assert found(200, 80)[0].priority == "medium"
    assert found(200, 79)[0].priority == "low"


def test_needs_two_hundred_data_frames() -> None:
    assert not found(199, 150)
    assert not found(900, 600, subtype=0x08)
    assert not found(900, 600, to=EVERYONE)


def _data(seq: int, *, retry: bool, to: str = STATION) -> bytes:
    ends = b"".join(bytes.fromhex(a.replace(":", "")) for a in (to, CELL, CELL))
    return (
        struct.pack("<BBH", 0x08, 0x02 | (0x08 if retry else 0), 0) + ends + struct.pack("<H", seq << 4) + b"\xaa" * 40
    )


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for n in range(220):
        frames.append((n * 0.01, _data(n, retry=False)))
        if n % 2:
            frames.append((n * 0.01 + 0.001, _data(n, retry=True)))
    ends = b"".join(bytes.fromhex(a.replace(":", "")) for a in (STATION, CELL, CELL))
    frames.append((5.0, struct.pack("<BBH", 0x50, 0x08, 0) + ends + b"\0\0" + b"\0" * 12))
    path = wire.write(tmp_path / "air.pcap", frames, link=105)
    made = drafts(repeated_wlan_frames, loaded(path).tables)
    assert [(d.subject, d.priority, len(d.frames)) for d in made] == [(CELL, "low", 110)]
    assert wire.exact(path, made)
