"""Where frames lie, in every kind of pcap and pcapng."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tshark_report.capture import framing


def pcap(frames: list[bytes], order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1) -> bytes:
    made = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for place, frame in enumerate(frames):
        made += struct.pack(order + "IIII", 1000 + place, 5, len(frame), len(frame) + 1) + frame
    return made


def block(order: str, kind: int, body: bytes) -> bytes:
    body += b"\x00" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def pcapng(frames: list[bytes], order: str = "<", links: tuple[int, ...] = (1,)) -> bytes:
    made = block(order, framing.SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    for link in links:
        made += block(order, framing.INTERFACE, struct.pack(order + "HHI", link, 0, 0))
    for place, frame in enumerate(frames):
        head = struct.pack(order + "IIIII", place % len(links), 0, 1000, len(frame), len(frame))
        made += block(order, framing.ENHANCED, head + frame)
        made += block(order, 5, b"statistics!!")
    return made


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
@settings(max_examples=15, deadline=None)
@given(frames=st.lists(st.binary(max_size=80), min_size=1, max_size=8))
def test_pcap(tmp_path_factory: pytest.TempPathFactory, order: str, magic: int, frames: list[bytes]) -> None:
    data = pcap(frames, order, magic)
    path = tmp_path_factory.mktemp("p") / "x.pcap"
    path.write_bytes(data)
    made = framing.index(path)
    assert [data[o : o + c] for o, c in zip(made.offset, made.captured, strict=True)] == frames
    assert list(made.wire) == [len(f) + 1 for f in frames]
    assert not made.truncated


@pytest.mark.parametrize("order", ["<", ">"])
@settings(max_examples=15, deadline=None)
@given(frames=st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=8))
def test_pcapng(tmp_path_factory: pytest.TempPathFactory, order: str, frames: list[bytes]) -> None:
    data = pcapng(frames, order, (1, 113))
    path = tmp_path_factory.mktemp("p") / "x.pcapng"
    path.write_bytes(data)
    made = framing.index(path)
    assert [data[o : o + c] for o, c in zip(made.offset, made.captured, strict=True)] == frames
    assert list(made.link) == [(1, 113)[i % 2] for i in range(len(frames))]


@given(cut=st.integers(min_value=1, max_value=60))
@settings(max_examples=20, deadline=None)
def test_cut_short(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    data = pcap([b"a" * 30, b"b" * 50])
    path = tmp_path_factory.mktemp("p") / "x.pcap"
    path.write_bytes(data[:-cut])
    made = framing.index(path)
    assert made.truncated
    assert len(made) == 1


@pytest.mark.parametrize("data", [b"", b"x" * 30, b"\x0a\x0d\x0d\x0a" + b"\x00" * 40, pcap([])[:24] + b"\xff" * 16])
def test_not_framed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(framing.NotFramed):
        framing.index(path)


@given(
    st.binary(min_size=24, max_size=400), st.sampled_from([b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", framing.PCAPNG_MAGIC])
)
@settings(max_examples=200, deadline=None)
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, magic: bytes) -> None:
    path = tmp_path_factory.mktemp("p") / "x"
    path.write_bytes(magic + data)
    try:
        made = framing.index(path)
    except framing.NotFramed:
        return
    size = path.stat().st_size
    assert all(o + c <= size for o, c in zip(made.offset, made.captured, strict=True))


def test_first_time(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap([b"a"]))
    assert framing.first_time(path) == pytest.approx(1000.000005)
    assert framing.first_time(tmp_path) is None


@pytest.mark.parametrize("made", [pcap, pcapng])
def test_no_more_frames_than_were_asked_for(made: Callable[[list[bytes]], bytes], tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(made([bytes([n]) * 20 for n in range(10)]))
    whole = framing.index(path)
    some = framing.index(path, 8)
    assert len(some) == 8
    assert some.more
    assert not some.truncated
    some.shorten(5)
    assert not some.more
    assert some.end == whole.record[5]
    assert list(some.offset) == list(whole.offset[:5])
    assert not framing.index(path, 10).more
    assert not framing.index(path, 11).more
    path.write_bytes(path.read_bytes()[: some.end])
    assert framing.index(path).offset == some.offset
