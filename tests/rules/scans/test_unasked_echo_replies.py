"""SCN014: ping replies that nobody asked for."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.wire import Tape, icmp, read, same_frames
from tshark_report.rules.scans.unasked_echo_replies import unasked_echo_replies

VICTIM = "10.0.0.76"


def replies(count: int, sources: int) -> list[dict]:
    return [{"src": f"198.18.0.{n % sources + 1}", "dst": VICTIM, "type": 0} for n in range(count)]


def found(*rows: dict) -> list:
    return drafts(unasked_echo_replies, tables(icmp=family("icmp", *rows)))


def test_fires_at_50_replies_of_ten_hosts() -> None:
    made = found(*replies(50, 10))
    assert [(d.subject, d.priority) for d in made] == [(VICTIM, "medium")]
    assert "50 ping replies from 10 hosts" in made[0].summary
    assert not found(*replies(49, 10))
    assert not found(*replies(90, 9))


def test_who_asks_is_quiet() -> None:
    asked = [row | {"src": VICTIM, "dst": row["src"], "type": 8} for row in replies(60, 20)]
    assert not found(*asked, *replies(60, 20))
    # One in ten replies may have been asked for.
    assert found(*asked[:2], *replies(60, 20))
    assert not found(*asked[:3], *replies(60, 20))


def test_a_request_to_everybody_explains_it() -> None:
    asked = {"src": VICTIM, "dst": "198.18.0.255", "type": 8}
    made = found(asked, *replies(60, 20))
    assert made[0].confidence == "high"
    assert "198.18.0.255" in made[0].summary


def test_wire(wire: Wire, tmp_path) -> None:
    assert not wire.found(unasked_echo_replies)
    tape = Tape()
    tape.add(icmp("10.9.0.76", "10.9.8.255", 8))
    for n in range(60):
        tape.add(icmp(f"10.9.8.{n % 30 + 1}", "10.9.0.76", 0))
    tape.add(icmp("10.9.8.7", "10.9.0.21", 0))
    path = tape.save(tmp_path / "smurf.pcap")
    made = drafts(unasked_echo_replies, read(path, tmp_path / "scratch"))
    same_frames(path, made)
    assert [len(d.frames) for d in made] == [60]
