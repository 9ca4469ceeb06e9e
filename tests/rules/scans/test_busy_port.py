"""PRT001: a port that became busy all of a sudden."""

from __future__ import annotations

import pytest

from tests.builders import START, drafts, packets, tables
from tests.rules.scans.wire import Tape, read, same_frames
from tshark_report.rules.scans.busy_port import busy_port


def capture(sessions: int, at: float = 0.5, port: int = 5358, seconds: float = 1000.0, before: int = 0) -> list[dict]:
    def asked(n: int, time: float) -> dict:
        return {
            "src": f"198.18.{n // 200}.{n % 200 + 1}",
            "dst": "10.0.0.80",
            "dst_port": port,
            "src_port": 40000,
            "stream": n,
            "flags": 2,
            "time": START + time,
        }

    ends = [
        {"stream": 9998, "flags": 2, "time": START, "dst_port": 443},
        {"stream": 9999, "flags": 2, "time": START + seconds, "dst_port": 443},
    ]
    rows = [asked(n, seconds * at + n * 0.04) for n in range(sessions)]
    return ends + rows + [asked(5000 + n, 1.0 + n * 0.1) for n in range(before)]


def found(rows: list[dict]) -> list:
    return drafts(busy_port, tables(packets=packets(*rows)))


def test_fires_at_50_sessions_and_is_quiet_at_49() -> None:
    made = found(capture(50))
    assert [(d.subject, d.priority) for d in made] == [("tcp/5358", "low")]
    assert "5358 (wsdapi-s) had 0 sessions before" in made[0].summary
    assert "Hajime" in made[0].summary
    assert not found(capture(49))


def test_five_minutes_are_needed() -> None:
    assert found(capture(60, seconds=300))
    assert not found(capture(60, seconds=299))


def test_a_quiet_quarter_before_and_tenfold() -> None:
    assert found(capture(60, at=0.25))
    assert not found(capture(60, at=0.2))
    assert found(capture(60, before=6))
    assert not found(capture(60, before=7))


@pytest.mark.parametrize("port", [80, 443, 53])
def test_everyday_ports_are_quiet(port: int) -> None:
    assert not found(capture(300, port=port))


def test_unknown_ports_are_context() -> None:
    assert found(capture(60, port=40123))[0].priority == "info"


def test_a_port_scan_tells_it_itself() -> None:
    rows = capture(60)
    for n, row in enumerate(rows[2:]):
        row |= {"src": "198.18.0.1", "dst_port": 100 + n, "src_port": 41000}
    assert not found(rows)


@pytest.mark.tshark
def test_on_the_wire(tmp_path) -> None:
    tape = Tape()
    tape.session("10.9.0.21", "203.0.113.5", 40000, 443)
    tape.now += 500
    for n in range(55):
        tape.session(f"198.18.7.{n + 1}", "10.9.0.80", 41000 + n, 5358)
    tape.now += 500
    tape.session("10.9.0.21", "203.0.113.5", 40010, 443)
    path = tape.save(tmp_path / "busy.pcap")
    made = drafts(busy_port, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [d.subject for d in made] == ["tcp/5358"]
