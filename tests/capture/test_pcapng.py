"""What is written is read back, by this module and by Wireshark's own tools."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tshark_report.capture import pcapng, process
from tshark_report.capture.framing import NotFramed
from tshark_report.capture.tshark import Tshark

FRAMES = st.builds(
    pcapng.Frame,
    data=st.binary(max_size=70),
    wire=st.integers(70, 2000),
    link=st.sampled_from([1, 101, 113]),
    time=st.integers(0, 2**62),
    comment=st.text(max_size=40),
)


@given(st.lists(FRAMES, max_size=6))
@settings(max_examples=60, deadline=None)
def test_what_goes_in_comes_out(frames: list[pcapng.Frame]) -> None:
    assert pcapng.read(pcapng.written(frames)) == frames


@pytest.mark.tshark
def test_tshark_reads_comment_and_time(tshark: Tshark, env: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "one.pcapng"
    frame = pcapng.Frame(b"\x02" * 60, 1500, 1, 1_700_000_000_123_456_789, "frame 7; DEL001: grüße")
    path.write_bytes(pcapng.written([frame]))
    args = [tshark.path, "-n", "-r", str(path), "-T", "fields"]
    args += ["-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.comment"]
    assert (
        process.run(args, timeout=30, env=env).stdout.decode() == "1700000000.123456789\t1500\tframe 7; DEL001: grüße\n"
    )


def test_other_files_are_refused() -> None:
    with pytest.raises(NotFramed):
        pcapng.read(b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + b"\0" * 12 + b"\x01\0\0\0")


def section(order: str, *options: bytes) -> bytes:
    """A section with one interface, its options as they are given, and one packet."""

    def block(kind: int, body: bytes) -> bytes:
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

    made = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    made += block(1, struct.pack(order + "HHI", 1, 0, 0) + b"".join(options))
    return made + block(6, struct.pack(order + "IIIII", 0, 0, 1_000_000, 60, 60) + b"\2" * 60)


@pytest.mark.parametrize("order", ["<", ">"])
def test_several_sections_are_refused(order: str) -> None:
    """Each may have its own byte order; editcap writes one."""
    assert len(pcapng.read(section(order))) == 1
    with pytest.raises(NotFramed):
        pcapng.read(section("<") + section(order))


@pytest.mark.parametrize("option", [b"", struct.pack("<HH", 9, 0), struct.pack("<HH", 9, 400), b"\x09\0"])
def test_a_resolution_that_is_none_is_microseconds(option: bytes) -> None:
    padded = option.ljust((len(option) + 3) // 4 * 4, b"\0")
    [frame] = pcapng.read(section("<", padded))
    assert frame.time == 1_000_000_000
