"""DNS014: well-formed questions to another port."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.builders import drafts, openings, tables
from tests.rules.names import wire
from tshark_report.rules.names.odd_port_dns import odd_port_dns, question

DATA = wire.question(7, "www.example.com")


def rows(number: int, **columns):  # noqa: ANN003, ANN201
    base = {
        "transport": "udp",
        "protocol": "UDP",
        "dst": "203.0.113.9",
        "dst_port": 5300,
        "data": DATA,
        "payload": len(DATA),
    }
    return tables(openings=openings(*[base | {"stream": n} | columns for n in range(number)]))


def test_fires_at_two_questions() -> None:
    found = drafts(odd_port_dns, rows(2))
    assert [(d.subject, d.priority) for d in found] == [("203.0.113.9 port 5300", "low")]
    assert "www.example.com" in found[0].summary
    assert not drafts(odd_port_dns, rows(1))


def test_info_inside_the_network() -> None:
    assert drafts(odd_port_dns, rows(2, dst="10.0.0.53"))[0].priority == "info"


def test_quiet_on_usual_ports_and_other_payload() -> None:
    assert not drafts(odd_port_dns, rows(5, dst_port=5353))
    assert not drafts(odd_port_dns, rows(5, data=b"\x00" * 40, payload=40))
    assert not drafts(odd_port_dns, rows(5, data=DATA[:20], payload=20))


def test_question_reads_only_whole_ones() -> None:
    assert question(DATA) == "www.example.com"
    assert question(DATA[:-1]) is None
    assert question(DATA[:-4] + struct.pack(">HH", 1, 7)) is None
    assert question(b"\0" * 12 + b"\x3fabc") is None
    assert question(b"") is None


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = [
        (n * 1.0, wire.udp(wire.CLIENT, "203.0.113.9", 40000 + n, 5300, wire.question(n, f"n{n}.example.com")))
        for n in range(3)
    ]
    frames.append((5.0, wire.udp("203.0.113.9", wire.CLIENT, 5300, 40000, wire.answer(0, "n0.example.com"))))
    frames.append((6.0, wire.udp(wire.CLIENT, "203.0.113.9", 5300, 40009, b"not dns")))
    frames.append((7.0, wire.quoted("10.0.0.1", wire.CLIENT, frames[0][1])))
    path = wire.write(tmp_path / "odd.pcap", frames)
    found = drafts(odd_port_dns, loaded(path).tables)
    assert len(found[0].frames) == 3
    assert wire.exact(path, found[0])
