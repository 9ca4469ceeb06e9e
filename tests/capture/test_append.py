"""Files of one recording, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.batch.made import START, pcap, question
from tshark_report.capture import append, framing
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import CaptureUnreadable


def test_the_order_of_the_files_is_kept_even_against_the_clock(
    tmp_path: Path, tshark: Tshark, env: dict[str, str]
) -> None:
    late = pcap(tmp_path / "-late.pcap", question("late.example"), start=START + 100)
    early = pcap(tmp_path / "early.pcap", question("early.example"), question("early.example", number=2), start=START)
    target = tmp_path / "made" / "joined.pcapng"
    target.parent.mkdir()
    assert append.in_order(tshark, [late, early], target, env, None) == [1, 2]
    frames = framing.index(target)
    assert len(frames) == 3
    data = target.read_bytes()
    assert [b"early" in data[at : at + size] for at, size in zip(frames.offset, frames.captured, strict=True)] == [
        False,
        True,
        True,
    ]


def test_the_same_files_give_the_same_bytes(tmp_path: Path, tshark: Tshark, env: dict[str, str]) -> None:
    files = [pcap(tmp_path / f"{i}.pcap", question("a.example"), start=START + i) for i in range(2)]
    for name in ("one", "two"):
        append.in_order(tshark, files, tmp_path / name, env, None)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_that_is_no_capture(tmp_path: Path, tshark: Tshark, env: dict[str, str]) -> None:
    good = pcap(tmp_path / "a.pcap", question("a.example"))
    bad = tmp_path / "b.pcap"
    bad.write_text("this is a text, and longer than a header")
    with pytest.raises(CaptureUnreadable, match="not pcap"):
        append.in_order(tshark, [good, bad], tmp_path / "joined", env, None)


def test_the_command_can_be_run_again() -> None:
    assert append.as_command(["a b.pcap", "c.pcap"], "j.pcapng") == "mergecap -a -w j.pcapng 'a b.pcap' c.pcap"
