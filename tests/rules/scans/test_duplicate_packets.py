"""HDR009: packets recorded twice."""

from __future__ import annotations

from tests.builders import START, drafts, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.wire import Tape, read, same_frames, tcp
from tshark_report.rules.scans.duplicate_packets import duplicate_packets


def capture(singles: int, copies: int, gap: float = 0.0005, **more: object) -> list[dict]:
    rows = []
    for n in range(singles):
        row = {"ip_id": n + 1, "seq": n, "time": START + n}
        rows.append(row)
        if n < copies:
            rows.append(row | {"time": START + n + gap} | more)
    return rows


def test_fires_at_ten_copies_and_a_fifth() -> None:
    found = drafts(duplicate_packets, tables(packets=packets(*capture(40, 10))))
    assert [(d.subject, d.priority) for d in found] == [("capture", "info")]
    assert "10 packets of 50 IP packets (20 %)" in found[0].summary
    assert not drafts(duplicate_packets, tables(packets=packets(*capture(36, 9))))
    assert not drafts(duplicate_packets, tables(packets=packets(*capture(41, 10))))


def test_what_sets_the_copies_apart() -> None:
    assert "mirror port" in drafts(duplicate_packets, tables(packets=packets(*capture(20, 20))))[0].summary
    routed = drafts(duplicate_packets, tables(packets=packets(*capture(20, 20, ttl=63))))
    assert "before and behind a router" in routed[0].summary
    moved = drafts(duplicate_packets, tables(packets=packets(*capture(20, 20, eth_src="02:00:00:00:00:99"))))
    assert "MAC addresses differ" in moved[0].summary


def test_retransmissions_and_constant_ids_are_quiet() -> None:
    assert drafts(duplicate_packets, tables(packets=packets(*capture(20, 20, gap=0.1))))
    assert not drafts(duplicate_packets, tables(packets=packets(*capture(20, 20, gap=0.11))))
    assert not drafts(duplicate_packets, tables(packets=packets(*capture(20, 20, ip_id=999))))
    same = [{"ip_id": 7, "seq": 1, "time": START + n * 0.01} for n in range(50)]
    assert not drafts(duplicate_packets, tables(packets=packets(*same)))


def test_on_the_wire(wire: Wire, tmp_path) -> None:
    assert not wire.found(duplicate_packets)
    tape = Tape()
    for n in range(20):
        frame = tcp("10.9.0.5", "203.0.113.5", 40000, 80, 0x18, seq=n * 10, body=b"x" * 10, ident=n + 1)
        tape.add(frame, frame)
    path = tape.save(tmp_path / "twice.pcap")
    found = drafts(duplicate_packets, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert "20 packets of 40" in found[0].summary
