"""APP007: loss and jitter of RTP streams; pauses in speech, new beginnings and copies are none."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.builders import START, drafts, family, tables
from tests.rules.transport import wire
from tshark_report.rules.transport.lossy_calls import calls, lossy_calls

PHONE, GATEWAY = "10.0.0.5", "203.0.113.9"


def stream(
    number: int, *, lost: tuple[int, ...] = (), late: float = 0.0, first: int = 65500, pause_at: int = -1, kind: int = 0
) -> list[dict[str, Any]]:
    """RTP packets 20 ms apart; every second one `late` seconds late."""
    rows = []
    for n in range(number):
        if n in lost:
            continue
        away = 5.0 if 0 <= pause_at <= n else 0.0
        rows.append(
            {
                "src": GATEWAY, "dst": PHONE, "src_port": 4000, "dst_port": 5000, "transport": "udp", "source": 7,
                "sequence": (first + n) % 65536, "timestamp": 160 * n + round(away * 8000), "kind": kind,
                "time": START + n * 0.02 + away + late * (n % 2),
            }
        )  # fmt: skip
    return rows


def found(*rows: dict[str, Any]) -> list[Any]:
    numbered = [row | {"frame": n + 1} for n, row in enumerate(rows)]
    return drafts(lossy_calls, tables(rtp=family("rtp", *numbered)))


def test_fires_at_one_percent_and_is_medium_at_three() -> None:
    made = found(*stream(200, lost=(50, 51)))
    assert [(d.subject, d.priority) for d in made] == [("10.0.0.5 and 203.0.113.9", "low")]
    assert "2 of 200 packets lost (1.0 %), 0 out of order" in made[0].summary
    assert not found(*stream(200, lost=(50,)))
    assert found(*stream(200, lost=(50, 60, 70, 80, 90, 100)))[0].priority == "medium"
    assert found(*stream(200, lost=(50, 60, 70, 80, 90)))[0].priority == "low"


def test_needs_a_hundred_packets() -> None:
    assert found(*stream(104, lost=(50, 51, 52, 53)))
    assert not found(*stream(103, lost=(50, 51, 52, 53)))


def test_jitter() -> None:
    assert [d.priority for d in found(*stream(200, late=0.031))] == ["low"]
    assert not found(*stream(200, late=0.029))
    assert [d.priority for d in found(*stream(200, late=0.061))] == ["medium"]
    assert [d.priority for d in found(*stream(200, late=0.061, kind=101))] == ["medium"]


def test_quiet_on_pauses_new_beginnings_copies_and_the_end_of_the_numbers() -> None:
    assert not found(*stream(200, pause_at=100))
    assert not found(*stream(120), *stream(120, first=20000))
    twice = [row for row in stream(200) for _ in range(2)]
    assert not found(*twice)
    counted = calls(tables(rtp=family("rtp", *stream(200)))).row(0, named=True)
    assert (counted["expected"], counted["lost"], counted["reordered"]) == (200, 0, 0)


def test_swapped_packets_are_not_lost() -> None:
    rows = stream(200)
    rows[50]["sequence"], rows[51]["sequence"] = rows[51]["sequence"], rows[50]["sequence"]
    counted = calls(tables(rtp=family("rtp", *rows))).row(0, named=True)
    assert (counted["expected"], counted["lost"], counted["reordered"]) == (200, 0, 1)


def _invite() -> bytes:
    body = "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    return (
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\nFrom: <sip:c@b>;tag=1\r\nTo: <sip:a@b>\r\n"
        "Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = [(0.0, wire.ethernet(wire.udp(GATEWAY, PHONE, 5060, 5060, _invite())))]
    for n in range(150):
        head = struct.pack(">BBHII", 0x80, 0, n, n * 160, 0xABCD)
        if n % 20 != 5:
            frames.append((1 + n * 0.02, wire.ethernet(wire.udp(PHONE, GATEWAY, 5000, 4000, head + b"\x7f" * 160))))
        back = struct.pack(">BBHII", 0x80, 0, n, n * 160, 0xBCDE)
        frames.append((1.001 + n * 0.02, wire.ethernet(wire.udp(GATEWAY, PHONE, 4000, 5000, back + b"\x7f" * 160))))
    path = wire.write(tmp_path / "call.pcap", frames)
    made = drafts(lossy_calls, loaded(path).tables)
    assert [(d.priority, d.hosts, len(d.frames)) for d in made] == [("medium", (PHONE, GATEWAY), 142)]
    assert "8 of 150 packets lost (5.3 %)" in made[0].summary
    assert "1 RTP stream of 2" in made[0].summary
    assert wire.exact(path, made)


@pytest.mark.parametrize("field", ["rtp.seq", "rtp.ssrc"])
def test_fields_are_asked_for(field: str) -> None:
    assert field in lossy_calls.fields
