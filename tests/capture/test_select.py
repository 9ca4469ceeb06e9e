"""`carve --filter`: every packet that a display filter selects, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report.capture import process
from tshark_report.capture.dissect import Options
from tshark_report.capture.select import selected
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import CaptureUnreadable, FilterRejected, UsageError
from tshark_report.reading import Request

pytestmark = pytest.mark.tshark


def select(capture: Path, wanted: str) -> tuple[bytes, int]:
    return selected(Request(capture, Options(display_filter=wanted)))


def test_as_many_as_tshark_selects_with_a_comment(tshark: Tshark, env: dict[str, str], tmp_path: Path) -> None:
    capture = fixture_capture("port_scan")
    data, number = select(capture, "tcp.port == 22")
    (tmp_path / "cut.pcapng").write_bytes(data)

    def count(path: Path, wanted: str) -> int:
        args = [tshark.path, "-n", "-r", str(path), "-Y", wanted, "-T", "fields", "-e", "frame.number"]
        return process.run(args, timeout=60, env=env).stdout.count(b"\n")

    assert number == count(capture, "tcp.port == 22") > 0
    assert count(tmp_path / "cut.pcapng", "") == number
    assert count(tmp_path / "cut.pcapng", "!(tcp.port == 22)") == 0
    assert b"tcp.port == 22" in data


def test_a_filter_that_tshark_refuses() -> None:
    with pytest.raises(FilterRejected) as caught:
        select(fixture_capture("unanswered"), "tcp.prt == 22")
    assert "tcp.prt" in caught.value.detail


def test_a_filter_that_selects_nothing() -> None:
    with pytest.raises(UsageError, match="selects no packet"):
        select(fixture_capture("unanswered"), "tcp.port == 1 && udp")


def test_no_capture(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_text("hello\n")
    with pytest.raises(CaptureUnreadable):
        select(tmp_path / "x.pcap", "ip")
    with pytest.raises(CaptureUnreadable):
        select(tmp_path / "absent.pcap", "ip")


def test_a_capture_that_is_cut_short(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(fixture_capture("unanswered").read_bytes()[:-10])
    assert select(cut, "ip")[1] > 0
