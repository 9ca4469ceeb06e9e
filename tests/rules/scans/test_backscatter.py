"""SCN005: answers to questions that nobody here asked."""

from __future__ import annotations

import re

import pytest

from tests.builders import drafts, packets, tables
from tests.conftest import case_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import flat, session, syn
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans import horizontal_port_scan, syn_flood, vertical_port_scan
from tshark_report.rules.scans.backscatter import backscatter

TARGET = "198.51.100.80"


def answers(count: int, addresses: int, flags: int = 0x12) -> list[list[dict]]:
    return [
        [syn(n, f"10.0.3.{n % addresses + 1}", 2000 + n, TARGET, src_port=80, flags=flags, ack=9)] for n in range(count)
    ]


def test_fires_at_ten_addresses_and_twenty_packets() -> None:
    found = drafts(backscatter, tables(packets=packets(*flat(answers(20, 10)))))
    assert [(d.subject, d.priority) for d in found] == [(TARGET, "medium")]
    assert "20 SYN/ACKs to 10 addresses" in found[0].summary
    assert "backscatter" in found[0].summary
    assert not drafts(backscatter, tables(packets=packets(*flat(answers(20, 9)))))
    assert not drafts(backscatter, tables(packets=packets(*flat(answers(19, 10)))))


def test_resets_alone_count_too() -> None:
    assert "20 resets (RST)" in drafts(backscatter, tables(packets=packets(*flat(answers(20, 10, 0x14)))))[0].summary


def test_quiet_where_data_follows_in_the_same_direction() -> None:
    rows = []
    for n, (opening,) in enumerate(answers(40, 20)):
        rows.append([opening, opening | {"flags": 0x18, "payload": 500}] if n % 2 else [opening])
    assert not drafts(backscatter, tables(packets=packets(*flat(rows))))


def test_quiet_on_an_ordinary_server() -> None:
    rows = [session(n, TARGET, 80, f"10.0.3.{n + 1}") for n in range(60)]
    assert not drafts(backscatter, tables(packets=packets(*flat(rows))))


def test_receivers_that_reset_are_not_the_source() -> None:
    rows = []
    for n, (opening,) in enumerate(answers(60, 30)):
        reset = opening | {"src": opening["dst"], "dst": TARGET, "src_port": 2000 + n, "dst_port": 80, "flags": 0x04}
        rows.append([opening, reset])
    found = drafts(backscatter, tables(packets=packets(*flat(rows))))
    assert [d.subject for d in found] == [TARGET]
    assert "reset 60 of them" in found[0].summary


def test_never_told_as_a_search() -> None:
    made = tables(packets=packets(*flat(answers(300, 100))))
    text = " ".join(d.summary + d.sentence for d in drafts(backscatter, made))
    assert not re.search(r"(?i)scan|sweep", text)
    for other in (vertical_port_scan, horizontal_port_scan, syn_flood):
        assert not drafts(other, made)


def test_wire(wire: Wire) -> None:
    assert list(wire.found(backscatter)) == ["192.0.2.80"]


@pytest.mark.shared
@pytest.mark.tshark
def test_published_capture(tmp_path) -> None:
    path = case_capture("mal_backscatter")
    found = drafts(backscatter, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [d.subject for d in found] == ["202.229.120.98"]
    assert "511 addresses" in found[0].summary
