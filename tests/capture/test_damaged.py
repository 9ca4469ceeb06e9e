"""What is said of a file that cannot be read as a capture."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tshark_report.capture import check, damaged
from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import load
from tshark_report.errors import CaptureUnreadable


def header(link: int = 1) -> bytes:
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)


PACKET = struct.pack("<IIII", 1_600_000_000, 0, 60, 60) + bytes(60)


@pytest.mark.tshark
@pytest.mark.parametrize(
    ("data", "what", "detail", "step"),
    [
        (header()[:20], "cut short within its header", "20 bytes, where a pcap file begins with 24", "ls -l"),
        (b"\x0a\x0d\x0d\x0a" + bytes(8), "cut short within its header", "12 bytes", "ls -l"),
        (header(281) + PACKET, "does not know the link type", "LINKTYPE 281", "tcpdump -i INTERFACE -L"),
        (header(0x00300001) + PACKET, "damaged", "reserved field", "sha256sum"),
        (header() + struct.pack("<IIII", 1, 0, 5_000_000, 5_000_000) + bytes(99), "damaged", "packet", "sha256sum"),
        (b"<html>not found</html>" * 4, "not a capture file", "", "file "),
    ],
    ids=["cut", "cut pcapng", "link type", "reserved", "length", "text"],
)
def test_what_is_the_matter(tmp_path: Path, data: bytes, what: str, detail: str, step: str) -> None:
    path, scratch = tmp_path / "a.pcap", tmp_path / "scratch"
    path.write_bytes(data)
    scratch.mkdir()
    env = tshark_module.environment(scratch)
    with pytest.raises(CaptureUnreadable) as caught:
        load(path, tshark_module.find(None, env), scratch, env, Options(), jobs=1)
    told = caught.value
    assert what in told.what
    assert detail in told.detail
    assert told.detail.count("a.pcap") == 1, told.detail
    assert told.detail.count("(") == told.detail.count(")"), "no half of a bracket of tshark's is left"
    assert step in told.next_step
    assert len(told.causes) > 1


def test_the_copy_that_was_read_is_not_named(tmp_path: Path) -> None:
    copy = tmp_path / "capture"
    copy.write_bytes(header())
    told = damaged.unreadable(Path("given.pcap.gz"), copy, f'capinfos: The file "{copy}" appears to be damaged.')
    assert str(tmp_path) not in told.detail
    assert "appears to be damaged" in told.detail


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    told = damaged.unreadable(tmp_path / "a", tmp_path / "a", "no such file")
    assert told.what == "this is not a capture file"
    assert check.size(tmp_path / "a") == 0
