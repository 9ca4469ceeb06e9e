"""What the capture lacks lowers confidence, with the reason; what it holds leaves findings as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import packets, tables
from tshark_report.capture.check import CaptureFile
from tshark_report.report.model import Table
from tshark_report.rules.base import Draft, RestsOn, Rule
from tshark_report.rules.transport.unanswered_connections import unanswered_connections
from tshark_report.story.doubt import doubted
from tshark_report.story.findings import Fired
from tshark_report.tables.tables import Tables

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
SYN, SYN_ACK, ACK, PSH_ACK = 0x02, 0x12, 0x10, 0x18
RULE: Rule = unanswered_connections


def _found(*rests_on: RestsOn, hosts: tuple[str, ...] = (A, B), because: str = "") -> list[Fired]:
    draft = Draft(
        "s", hosts, "summary", "sentence", "medium", "high", "tcp", [1], Table(columns=[], rows=[], total_rows=0),
        lowered_because=because,
    )  # fmt: skip
    return [Fired(replace(RULE, rests_on=rests_on), draft)]


def _capture(*, ordered: bool = True, cut: int = 0) -> CaptureFile:
    path = Path("x.pcap")
    return CaptureFile(original=path, path=path, file_type="pcap", file_bytes=1, ordered=ordered, snap_cut=cut)


def _sessions(both: int, one_sided: int, *, handshake: bool = True, server: str = B) -> Tables:
    rows = []
    for stream in range(both + one_sided):
        ports = {"src_port": 40000 + stream, "dst_port": 80, "stream": stream, "transport": "tcp"}
        back = {"src_port": 80, "dst_port": 40000 + stream, "stream": stream, "transport": "tcp"}
        answered = stream < both
        if handshake and answered:
            rows.append({"src": A, "dst": server, "flags": SYN, **ports})
            rows.append({"src": server, "dst": A, "flags": SYN_ACK, **back})
        rows.append({"src": A, "dst": server, "flags": PSH_ACK, "payload": 10, **ports})
        rows.append({"src": A, "dst": server, "flags": ACK, **ports})
        if answered:
            rows.append({"src": server, "dst": A, "flags": ACK, **back})
    return tables(packets=packets(*({"frame": n, "time": n / 10} | row for n, row in enumerate(rows, 1))))


def test_one_sided_at_the_threshold() -> None:
    lowered = doubted(_found("both-sides"), _sessions(4, 1), _capture())[0].draft
    assert lowered.confidence == "medium"
    assert lowered.lowered_because.startswith("1 of 5 TCP connections hold packets of one side only")


def test_one_sided_below_the_threshold() -> None:
    assert doubted(_found("both-sides"), _sessions(5, 1), _capture())[0].draft.confidence == "high"


def test_only_for_rules_that_rest_on_it() -> None:
    assert doubted(_found("order"), _sessions(1, 4), _capture())[0].draft.confidence == "high"


def test_other_hosts_do_not_matter() -> None:
    both = _sessions(4, 0)
    other = _sessions(0, 8, server=C)
    shifted = other.packets.with_columns(other.packets["stream"] + 100, other.packets["frame"] + 1000)
    made = tables(packets=both.packets.vstack(shifted.select(both.packets.columns).cast(both.packets.schema)))
    assert doubted(_found("both-sides", hosts=(B,)), made, _capture())[0].draft.confidence == "high"
    assert doubted(_found("both-sides", hosts=(C,)), made, _capture())[0].draft.confidence == "medium"


@pytest.mark.parametrize(("cut", "confidence"), [(2, "high"), (3, "medium")])
def test_snap_length(cut: int, confidence: str) -> None:
    # 25 packets: a tenth of them, rounded up, is three.
    made = _sessions(5, 0)
    assert made.packets.height == 25
    assert doubted(_found("whole-packets"), made, _capture(cut=cut))[0].draft.confidence == confidence


def test_order_and_handshakes() -> None:
    assert doubted(_found("order"), _sessions(4, 0), _capture(ordered=False))[0].draft.confidence == "medium"
    late = _sessions(4, 0, handshake=False)
    assert doubted(_found("handshakes"), late, _capture())[0].draft.confidence == "medium"
    assert doubted(_found("handshakes"), _sessions(4, 0), _capture())[0].draft.confidence == "high"


def test_a_rule_that_lowered_it_itself_is_left_alone() -> None:
    draft = doubted(_found("both-sides", because="its own reason"), _sessions(0, 5), _capture())[0].draft
    assert (draft.confidence, draft.lowered_because) == ("high", "its own reason")
