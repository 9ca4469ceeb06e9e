"""One capture read for comparing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report.compare.side import labels, read
from tshark_report.reading import Request


@pytest.mark.tshark
def test_options_of_handshakes_are_those_of_the_packets() -> None:
    made = read(Request(fixture_capture("narrow_wire")), "narrow")
    asked = made.syns.filter(~made.syns["answer"])
    assert asked.height > 3
    assert asked["mss"].min() is not None
    assert set(made.syns["frame"].to_list()) <= set(made.tables.packets["frame"].to_list())
    assert made.label == "narrow"


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ("a.pcap", "b.pcap", ("a.pcap", "b.pcap")),
        ("/x/good/capture.pcap", "/x/bad/capture.pcap", ("good/capture.pcap", "bad/capture.pcap")),
        ("/x/a.pcap", "/x/a.pcap", ("the first capture", "the second capture")),
        ("/1/x/a.pcap", "/2/x/a.pcap", ("the first capture", "the second capture")),
    ],
)
def test_labels_tell_the_two_apart_without_whole_paths(good: str, bad: str, expected: tuple[str, str]) -> None:
    assert labels(Path(good), Path(bad)) == expected
