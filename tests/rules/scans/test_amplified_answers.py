"""SCN012: large answers to nobody's question."""

from __future__ import annotations

from tests.builders import drafts, family, packets, tables
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import timed
from tshark_report.knowledge import load
from tshark_report.rules.scans.amplified_answers import amplified_answers, amplifiers

VICTIM = "10.0.0.76"


def reflected(count: int, senders: int = 10, payload: int = 500, port: int = 123) -> list[dict]:
    return [
        {
            "src": f"198.18.0.{n % senders + 1}",
            "dst": VICTIM,
            "src_port": port,
            "dst_port": 4000 + n,
            "stream": n,
            "transport": "udp",
            "protocol": "NTP",
            "payload": payload,
            "length": payload + 42,
            "flags": None,
        }
        for n in range(count)
    ]


def test_fires_at_50_answers_of_ten_hosts() -> None:
    found = drafts(amplified_answers, tables(packets=packets(*timed(reflected(50)))))
    assert [(d.subject, d.priority) for d in found] == [(f"{VICTIM} udp/123", "medium")]
    assert "without having asked" in found[0].summary
    assert not drafts(amplified_answers, tables(packets=packets(*timed(reflected(49)))))
    assert not drafts(amplified_answers, tables(packets=packets(*timed(reflected(90, senders=9)))))
    assert not drafts(amplified_answers, tables(packets=packets(*timed(reflected(90, payload=199)))))


def test_ports_above_1023_too() -> None:
    found = drafts(amplified_answers, tables(packets=packets(*timed(reflected(60, port=11211)))))
    assert [d.subject for d in found] == [f"{VICTIM} udp/11211"]


def test_a_question_to_a_group_explains_the_answers() -> None:
    rows = reflected(60, port=1900)
    asked = rows[0] | {
        "src": VICTIM,
        "dst": "239.255.255.250",
        "src_port": 4000,
        "dst_port": 1900,
        "stream": 900,
        "payload": 100,
    }
    assert drafts(amplified_answers, tables(packets=packets(*timed(rows))))
    assert not drafts(amplified_answers, tables(packets=packets(*timed([asked, *rows]))))


def test_a_resolver_of_which_only_answers_were_captured_is_quiet() -> None:
    rows = timed(reflected(60, port=53))

    def answers(names: int) -> list[dict]:
        return [{"dst": VICTIM, "response": True, "name": f"n{n % names}.example"} for n in range(60)]

    assert drafts(amplified_answers, tables(packets=packets(*rows), dns=family("dns", *answers(1))))
    assert not drafts(amplified_answers, tables(packets=packets(*rows), dns=family("dns", *answers(60))))


def repeated(count: int, back: int, sizes: int = 1) -> list[dict]:
    rows = []
    for n in range(count):
        ask = {
            "src": VICTIM,
            "dst": "10.0.0.53",
            "src_port": 5000,
            "dst_port": 123,
            "stream": 1,
            "transport": "udp",
            "protocol": "NTP",
            "payload": 40 + n % sizes,
            "flags": None,
        }
        rows += [ask, ask | {"src": "10.0.0.53", "dst": VICTIM, "src_port": 123, "dst_port": 5000, "payload": back}]
    return timed(rows)


def test_the_same_question_over_and_over() -> None:
    found = drafts(amplified_answers, tables(packets=packets(*repeated(50, 400))))
    assert found[0].hosts[0] == "10.0.0.53"
    assert "10 times as much" in found[0].summary
    assert not drafts(amplified_answers, tables(packets=packets(*repeated(49, 400))))
    assert not drafts(amplified_answers, tables(packets=packets(*repeated(50, 399))))
    assert not drafts(amplified_answers, tables(packets=packets(*repeated(50, 900, sizes=3))))


def test_other_ports_are_quiet() -> None:
    assert not drafts(amplified_answers, tables(packets=packets(*timed(reflected(90, port=7000)))))


def test_known_amplifiers() -> None:
    assert {53, 123, 1900, 11211} <= set(amplifiers())
    assert load("ports")["date"]


def test_wire(wire: Wire) -> None:
    found = wire.found(amplified_answers)
    assert set(found) == {"10.9.0.76 udp/53", "192.0.2.9 udp/123"}
