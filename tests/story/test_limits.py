"""What a capture cannot show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, family, packets, tables
from tests.rules.transport.wire import ACK, PSH, Talk, tabled
from tshark_report.capture.check import CaptureFile
from tshark_report.story.limits import limits
from tshark_report.tables.tables import Tables


def file(**columns: Any) -> CaptureFile:
    return CaptureFile(original=Path("a.pcap"), path=Path("a.pcap"), file_type="pcap", file_bytes=100, **columns)


def text(made: Tables, **columns: Any) -> str:
    return "\n".join(limits(made, file(**columns)))


def busy(seconds: float = 400.0, number: int = 60) -> Tables:
    return tables(
        packets=packets(*({"transport": None, "time": START + n * seconds / (number - 1)} for n in range(number)))
    )


def test_nothing_to_say() -> None:
    assert limits(busy(), file()) == []


def test_the_file() -> None:
    assert "cut short" in text(busy(), truncated=True)
    assert "6 packets (10 %) were cut by the capture's snap length" in text(busy(), snap_cut=6)
    assert "order of their times" in text(busy(), ordered=False)
    made = tables(packets=busy().packets, not_made={"files": "no tshark"})
    assert "The files could not be read (no tshark)" in text(made)


def test_short_captures() -> None:
    assert "The capture lasts" not in text(busy(300.0))
    assert "The capture lasts 4 min 59 s" in text(busy(299.0))
    assert "only 49 packets" in text(busy(number=49))
    assert "only" not in text(busy(number=50))


def test_encryption() -> None:
    def mixed(hidden: int) -> Tables:
        rows = [{"payload": hidden, "protocols": "eth:ethertype:ip:tcp:tls"}, {"payload": 1000 - hidden}]
        return tables(packets=packets(*rows))

    assert "At least 5 % of the payload" in text(mixed(50))
    assert "(TLS)" in text(mixed(50))
    assert "encrypted" not in text(mixed(49))


def test_one_side_only() -> None:
    whole = [Talk(n).handshake(n).say(n + 0.1, 10, up=True).say(n + 0.2, 10) for n in range(4)]
    half = Talk(9).handshake(20.0).say(20.1, 10, up=True)
    half.rows = [row for row in half.rows if row["src"] != half.client]
    assert "1 of 5 TCP connections hold packets of one side only" in text(tabled(*whole, half))
    assert "one side" not in text(tabled(*whole, Talk(10).handshake(30.0), half))
    silent = [Talk(20 + n).syn(40.0 + n).syn(41.0 + n, again=True) for n in range(9)]
    assert "one side" not in text(tabled(*whole, *silent))


def test_sessions_that_began_before() -> None:
    whole = [Talk(n).handshake(n) for n in range(9)]
    middle = Talk(9).say(20.0, 10, up=True).say(20.1, 10)
    assert "1 of 10 TCP connections began before the capture" in text(tabled(*whole, middle))
    assert "began before" not in text(tabled(*whole, Talk(10).handshake(30.0), middle))


def test_gaps_and_copies() -> None:
    talk = Talk().handshake().say(0.1, 100)
    talk.packet(0.1001, PSH | ACK, up=False, data=b"x" * 100, seq=1, ident=talk.count[False], marks=["retransmission"])
    talk.answer(0.2, marks=["acked-unseen"])
    said = text(tabled(talk))
    assert "1 packet acknowledges data that the capture does not hold" in said
    assert "1 TCP packet was recorded more than once" in said


def test_joined_segments() -> None:
    assert "longer than an Ethernet frame" in text(tabled(Talk().handshake().say(0.1, 14000)))
    assert "longer" not in text(tabled(Talk().handshake().say(0.1, 1400)))


def test_names() -> None:
    opened = Talk().handshake()
    assert "There is no DNS" in text(tabled(opened))
    asked = family("dns", {"name": "www.example", "protocol": "DNS"})
    assert "There is no DNS" not in text(tabled(opened, dns=asked))
    assert "There is no DNS" in text(tabled(opened, dns=family("dns", {"name": "x.local", "protocol": "MDNS"})))
    assert "There is no DNS" not in text(busy())


def test_wireless() -> None:
    made = tables(packets=packets({"transport": None}), wlan=family("wlan", {"protected": True}, {"protected": False}))
    assert "1 of 2 802.11 frames is encrypted" in text(made)
