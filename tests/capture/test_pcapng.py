"""What is written is read back, by this module and by Wireshark's own tools."""

from __future__ import annotations

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
