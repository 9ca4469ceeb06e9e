"""A capture written again: every frame keeps its number, time and length, some lose their content or a part of it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tshark_report.capture import framing, shortened


def _pcapng(order: str) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        length = len(body) + 12
        return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)

    made = block(framing.SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    made += block(framing.INTERFACE, struct.pack(order + "HHI", 1, 0, 0))
    data = b"\x02" * 60
    made += block(framing.ENHANCED, struct.pack(order + "IIIII", 0, 1, 2, 60, 1500) + data)
    made += block(framing.OLD_PACKET, struct.pack(order + "HHIIII", 0, 0, 1, 3, 60, 60) + data)
    return made + block(framing.SIMPLE, struct.pack(order + "I", 60) + data)


def _pcap(order: str) -> bytes:
    made = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    for number, wire in enumerate((1500, 60, 60)):
        made += struct.pack(order + "IIII", 1_600_000_000, number, 60, wire) + bytes(range(60))
    return made


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kept", [{}, {1: 0}, {2: 0}, {3: 0}, {1: 0, 2: 0, 3: 0}, {1: 33, 2: 34}, {1: 99, 2: 60}])
def test_pcapng(tmp_path: Path, order: str, kept: dict[int, int]) -> None:
    source, target = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(_pcapng(order))
    with target.open("wb") as out:
        shortened.write(source, framing.index(source), kept, 3, out)
    made = framing.index(target)
    assert list(made.captured) == [min(60, kept.get(n, 60)) for n in (1, 2, 3)]
    assert list(made.wire)[:2] == [1500, 60]
    assert not made.truncated


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcap(tmp_path: Path, order: str) -> None:
    source, target = tmp_path / "a.pcap", tmp_path / "b.pcap"
    source.write_bytes(_pcap(order))
    with target.open("wb") as out:
        shortened.write(source, framing.index(source), {1: 0, 3: 20}, 3, out)
    made, data = framing.index(target), target.read_bytes()
    assert list(made.captured) == [0, 60, 20]
    assert list(made.wire) == [1500, 60, 60]
    assert data.endswith(bytes(range(20)))
    assert [struct.unpack_from(order + "I", data, at + 4)[0] for at in made.record] == [0, 1, 2], "the times are kept"


def test_the_end_is_left_out(tmp_path: Path) -> None:
    source, target = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(_pcapng("<"))
    with target.open("wb") as out:
        shortened.write(source, framing.index(source), {2: 0, 3: 0}, 2, out)
    assert list(framing.index(target).captured) == [60, 0]
