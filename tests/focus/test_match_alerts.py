"""Alerts and their packets: by addresses, ports and time; and words where they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import CLIENT, OUTSIDE, SERVER, START, packets, tables
from tests.conftest import fixture_capture
from tshark_report.focus import read_alerts
from tshark_report.focus.conversations import Conversations
from tshark_report.focus.match_alerts import SLACK_SECONDS, Matched, match
from tshark_report.focus.read_alerts import Alert
from tshark_report.tables.tables import Tables

DATA = Path(__file__).parent / "data"


def _tables() -> Tables:
    ping = {"transport": None, "stream": None, "src_port": None, "dst_port": None, "protocol": "ICMP", "dst": SERVER}
    return tables(
        packets=packets(
            {"stream": 0, "flags": 2},
            {"stream": 0, "src": OUTSIDE, "dst": CLIENT, "src_port": 443, "dst_port": 40000, "flags": 0x12},
            {"stream": 0, "payload": 90},
            {"stream": 1, "src_port": 40001, "flags": 2},
            ping,
        )
    )


def _alert(seconds: float, **changed: Any) -> Alert:
    given: dict[str, Any] = {
        "time": START + seconds, "src": CLIENT, "dst": OUTSIDE, "src_port": 40000, "dst_port": 443, "transport": "tcp",
        "signature": "Own rule (SID 1)", "source": "eve.json, line 1",
    }  # fmt: skip
    return Alert(**(given | changed))


def _match(*alerts: Alert) -> Matched:
    made = _tables()
    return match(alerts, made, Conversations(made))


def test_the_packet_of_the_instant() -> None:
    made = _match(_alert(2))
    assert made.matched == made.total == 1
    hit = made.hits[0]
    assert hit.frames.to_list() == [3]
    assert hit.conversations.to_list() == [0]
    assert hit.display_filter == "tcp.stream == 0"
    assert hit.remark == ""


def test_either_direction_and_the_nearest_packet() -> None:
    hit = _match(_alert(0.9, src=OUTSIDE, dst=CLIENT, src_port=443, dst_port=40000)).hits[0]
    assert hit.frames.to_list() == [2]
    assert "nearest in time" in hit.remark


@pytest.mark.parametrize(
    "changed",
    [{"src_port": 40009}, {"dst_port": 80}, {"dst": "203.0.113.8"}, {"transport": "udp"}, {"src": SERVER}],
)
def test_near_misses(changed: dict[str, Any]) -> None:
    made = _match(_alert(2, **changed))
    assert not made.hits
    assert len(made.unmatched) == 1
    assert "fits no packet" in made.notes[0]


def test_same_words_between_the_same_hosts_are_one() -> None:
    made = _match(_alert(2), _alert(2.5), _alert(3, src_port=40001), _alert(2, signature="Another"))
    assert [(h.value, h.count) for h in made.hits] == [("Own rule (SID 1)", 3), ("Another", 1)]
    assert made.hits[0].source == "eve.json, line 1 and 2 more"
    assert made.hits[0].display_filter == "tcp.stream == 0 || tcp.stream == 1"


def test_without_ports() -> None:
    echo = _alert(4, dst=SERVER, src_port=None, dst_port=None, transport="icmp")
    assert _match(echo).hits[0].frames.to_list() == [5]
    notice = _alert(2, src_port=None, transport="")
    assert _match(notice).hits[0].frames.to_list() == [3]
    assert _match(_alert(2, src_port=None, dst_port=80, transport="")).hits == []
    lone = _alert(2, dst="", src_port=None, dst_port=None, transport="")
    assert _match(lone).matched == 1


def test_slack_has_an_end() -> None:
    assert _match(_alert(2 + SLACK_SECONDS - 1)).matched == 1
    assert "lie" in " ".join(_match(_alert(2 + SLACK_SECONDS + 1)).notes)


def test_a_time_zone_is_recognised() -> None:
    made = _match(_alert(2 - 7200), _alert(1 - 7200))
    assert "time zone" in made.notes[0]
    assert "-2 hours" in made.notes[0]
    # All of them are shifted, so addresses and ports still say which packets are meant.
    assert made.matched == 2
    assert made.hits[0].conversations.to_list() == [0]


def test_disjoint_clocks() -> None:
    made = _match(_alert(-86_400 * 3, src_port=1), _alert(86_400, src_port=1))
    assert made.matched == 0
    note = " ".join(made.notes)
    assert "1 before the capture begins, the nearest by 3 days" in note
    assert "1 after it ends, the nearest by 23 h 59 min" in note


def test_addresses_that_are_not_here_are_named() -> None:
    note = " ".join(_match(_alert(2, src="192.168.7.7")).notes)
    assert "192.168.7.7" in note
    assert "address translation" in note


def test_real_alerts_on_their_capture(loaded) -> None:  # noqa: ANN001
    made = loaded(fixture_capture("staged_incident"))
    conversations = Conversations(made.tables)
    suricata = match(read_alerts.read(DATA / "eve_staged_incident.json").alerts, made.tables, conversations)
    assert suricata.matched == suricata.total == 12
    assert not suricata.notes
    program = next(h for h in suricata.hits if h.value.startswith("Program") and "tcp.stream == 11" in h.display_filter)
    # Suricata gave the packet's own number as pcap_cnt.
    assert program.frames.to_list() == [262]
    zeek = match(read_alerts.read(DATA / "notice_staged_incident.log").alerts, made.tables, conversations)
    assert zeek.matched == 2
    assert {"Own::Program", "Own::Regular_Contact"} == {h.value.partition(": ")[0] for h in zeek.hits}


def test_no_alerts_no_packets() -> None:
    made = tables()
    assert match([], made, Conversations(made)).hits == []
    assert match([_alert(0)], made, Conversations(made)).matched == 0
