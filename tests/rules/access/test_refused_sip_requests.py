"""LOG011: SIP requests refused in numbers; quiet on a phone at its own pace and on logins that need two steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, openings, tables
from tests.rules.access import rows, wire
from tshark_report.rules.access.refused_sip_requests import refused_sip_requests


def asked(number: int, *, gap: float = 1.0, code: int = 404, taken: int = 0, agent: bytes = b"") -> Any:
    made = []
    for n in range(number):
        at = START + n * gap
        there = {"src": rows.OUTSIDE, "dst": rows.SERVER, "time": at}
        back = {"src": rows.SERVER, "dst": rows.OUTSIDE, "time": at + 0.01}
        made += [there | {"sip_method": "REGISTER"}, back | {"sip_status": 200 if n < taken else code}]
    numbered = [{"frame": n + 1, "transport": "udp", "dst_port": 5060} | row for n, row in enumerate(made)]
    said = {"src": rows.OUTSIDE, "dst": rows.SERVER, "dst_port": 5060, "transport": "udp", "data": agent}
    return tables(misc=family("misc", *numbered), openings=openings(said))


def test_twenty_in_a_minute_and_quiet_at_19() -> None:
    found = drafts(refused_sip_requests, asked(20, agent=b"REGISTER sip:a SIP/2.0\r\nUser-Agent: friendly\r\n"))
    assert [(d.hosts, d.priority) for d in found] == [((rows.OUTSIDE, rows.SERVER), "medium")]
    assert "20 x 404" in found[0].summary
    assert "20 REGISTER, calling itself 'friendly'" in found[0].summary
    assert "None was accepted" in found[0].summary
    assert not drafts(refused_sip_requests, asked(19))


def test_a_hundred_are_high() -> None:
    assert drafts(refused_sip_requests, asked(100))[0].priority == "high"
    assert drafts(refused_sip_requests, asked(99))[0].priority == "medium"


def test_quiet_at_the_pace_of_a_phone() -> None:
    assert drafts(refused_sip_requests, asked(60, gap=3.0))
    assert not drafts(refused_sip_requests, asked(60, gap=3.3))


def test_quiet_on_calls_that_fail_otherwise_and_on_logins() -> None:
    assert not drafts(refused_sip_requests, asked(60, code=486))
    assert drafts(refused_sip_requests, asked(100, code=401, taken=19))
    assert not drafts(refused_sip_requests, asked(100, code=401, taken=20))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for n in range(25):
        head = (
            f"Via: SIP/2.0/UDP 203.0.113.9:5061;branch=z9hG4bK{n}\r\nFrom: <sip:{n}@10.0.0.80>;tag=a\r\n"
            f"To: <sip:{n}@10.0.0.80>\r\nCall-ID: {n}@x\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
        )
        ask = f"REGISTER sip:10.0.0.80 SIP/2.0\r\n{head}".encode()
        no = f"SIP/2.0 {401 if n % 5 == 0 else 404} No\r\n{head}".encode()
        frames.append((n * 0.1, wire.udp(wire.OUTSIDE, wire.SERVER, 5061, 5060, ask)))
        frames.append((n * 0.1 + 0.01, wire.udp(wire.SERVER, wire.OUTSIDE, 5060, 5061, no)))
    path = wire.write(tmp_path / "sip.pcap", frames)
    found = drafts(refused_sip_requests, loaded(path).tables)
    assert "20 x 404 and 5 x 401" in found[0].summary
    assert wire.exact(path, found[0])
