"""SCN015: many IPv6 addresses of the link asked for; and what SCN004 makes of IPv6 echo requests."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.builders import START, drafts, family, packets, tables
from tests.rules.scans.wire import Tape, advertisement, icmp6, read, same_frames, solicitation
from tshark_report.rules.scans.icmp_sweep import icmp_sweep
from tshark_report.rules.scans.neighbour_sweep import neighbour_sweep
from tshark_report.tables.tables import Tables

LOOKER = "fe80::66"


def asked(number: int, *, step: float = 0.1, answered: int = 0, src: str = LOOKER) -> Tables:
    rows = [
        {"type": 135, "src": src, "dst": f"ff02::1:ff00:{n:x}", "target": f"2001:db8::{n:x}", "time": START + n * step}
        for n in range(1, number + 1)
    ]
    rows += [{"type": 136, "src": f"2001:db8::{n:x}", "dst": src, "time": START + 1} for n in range(1, answered + 1)]
    rows = [{"frame": n + 1, "transport": "icmpv6", "stream": None} | row for n, row in enumerate(rows)]
    kept = ("frame", "time", "src", "dst")
    return tables(
        icmp=family("icmp", *rows), packets=packets(*({k: v for k, v in r.items() if k in kept} for r in rows))
    )


def test_fires_at_twenty_and_is_quiet_at_nineteen() -> None:
    found = drafts(neighbour_sweep, asked(20))
    assert [(d.subject, d.priority, len(d.frames)) for d in found] == [(LOOKER, "medium", 20)]
    assert "asked for 20 different IPv6 addresses" in found[0].summary
    assert "None answered" in found[0].summary
    assert not drafts(neighbour_sweep, asked(19))


def test_within_a_minute() -> None:
    assert drafts(neighbour_sweep, asked(20, step=3.1))
    assert not drafts(neighbour_sweep, asked(20, step=3.2))


def test_quiet_where_more_than_half_answer_and_on_own_addresses() -> None:
    assert drafts(neighbour_sweep, asked(20, answered=10))
    assert not drafts(neighbour_sweep, asked(20, answered=11))
    assert not drafts(neighbour_sweep, asked(60, src="::"))


@pytest.mark.tshark
def test_on_the_wire(tmp_path: Path) -> None:
    tape = Tape()
    for n in range(1, 26):
        tape.add(solicitation(LOOKER, f"fe80::{n:x}"))
        if n == 7:
            tape.add(advertisement("fe80::7", LOOKER))
        tape.add(icmp6("2001:db8::66", f"2001:db8:1::{n:x}", 128, struct.pack("!HH", 9, n), hops=64))
    for n in range(15):
        tape.add(solicitation("fe80::99", f"fe80::{n + 1:x}"), solicitation("::", f"fe80::{n + 1:x}"))
    path = tape.save(tmp_path / "six.pcap")
    made = read(path, tmp_path / "scratch")
    found = drafts(neighbour_sweep, made)
    same_frames(path, found)
    assert [(d.subject, len(d.frames)) for d in found] == [(LOOKER, 25)]
    assert "1 answered: fe80::7" in found[0].summary
    pinged = drafts(icmp_sweep, made)
    same_frames(path, pinged)
    assert [(d.subject, len(d.frames)) for d in pinged] == [("2001:db8::66", 25)]
