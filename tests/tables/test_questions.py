"""Messages with their ends; questions with their answers."""

from __future__ import annotations

from tests.builders import START, family
from tests.rules.names.wire import q, r
from tshark_report.tables.questions import messages, questions


def test_ends_follow_the_direction() -> None:
    made = messages(family("dns", q("WWW.Example.com."), r("www.example.com")))
    assert (
        made.select("client", "server", "client_port", "server_port", "qname").rows()
        == [("10.0.0.5", "10.0.0.53", 40000, 53, "www.example.com")] * 2
    )


def test_other_protocols_and_quotes_are_left_out() -> None:
    rows = [
        q("a.local", protocol="MDNS"),
        q("a", protocol="LLMNR"),
        q("a.example", protocol="ICMP", src_port=None),
        q("a.example"),
    ]
    assert messages(family("dns", *rows)).height == 1


def test_repeats_are_one_question() -> None:
    rows = [
        q("a.example", time=START),
        q("a.example", time=START + 1),
        r("a.example", time=START + 1.5),
        r("a.example", time=START + 2),
    ]
    made = questions(messages(family("dns", *rows))).row(0, named=True)
    assert (made["repeats"], made["answers"], made["waited"], made["frames"]) == (2, 2, 1.5, [1, 2])


def test_other_id_port_type_or_server_is_another_question() -> None:
    rows = [
        q("a.example"),
        q("a.example", id=2),
        q("a.example", src_port=1),
        q("a.example", 28),
        q("a.example", dst="10.0.0.54"),
    ]
    made = questions(messages(family("dns", *rows, r("a.example", id=2))))
    assert made.height == 5
    assert made["answers"].to_list() == [0, 1, 0, 0, 0]


def test_empty() -> None:
    assert questions(messages(family("dns"))).is_empty()
