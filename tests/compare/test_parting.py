"""Sessions as turns, and where two of them part."""

from __future__ import annotations

from typing import Any

from tests.compare.talks import side
from tests.normal import office as o
from tshark_report.compare.measures import measured
from tshark_report.compare.model import Parting
from tshark_report.compare.pairs import paired
from tshark_report.compare.parting import lined_up, partings, turns
from tshark_report.tables.tables import Tables


def one(**change: Any) -> Tables:
    return o.tables(o.session(0, **change), names={o.SHOP: "www.shop.example"})


def parted(good: Tables, bad: Tables) -> list[Parting]:
    a, b = side("a", good), side("b", bad)
    return partings(paired(measured(a), measured(b))[0], a, b)


def test_turns() -> None:
    made = turns(side("a", one()))[0]
    assert [(t.kind, t.frame, t.bytes) for t in made] == [
        ("SYN", 1, 0), ("SYN/ACK", 2, 0), ("question", 4, 200), ("answer", 5, 1000),
    ]  # fmt: skip


def test_two_alike_do_not_part() -> None:
    assert parted(one(), one()) == []


def test_a_late_answer() -> None:
    [found] = parted(one(), one(think=2))
    assert (found.area, found.good_frame, found.bad_frame) == ("server", 5, 5)
    assert "came 2.0" in found.words


def test_a_longer_question_and_a_missing_answer() -> None:
    short = o.session(0)[:4]
    areas = {
        p.area: p
        for p in parted(one(), o.tables([*short[:3], short[3] | {"payload": 9000}], names={o.SHOP: "www.shop.example"}))
    }
    assert areas["volume"].bad_frame == 4
    assert "nothing follows" in areas["application"].words


def test_a_reset_where_an_answer_was() -> None:
    rows = o.session(0)
    cut = [*rows[:4], rows[4] | {"flags": 0x14, "payload": 0}]
    [found] = parted(one(), o.tables(cut, names={o.SHOP: "www.shop.example"}))
    assert found.area == "connection"
    assert "frame 5 of b is a reset where there is an answer (frame 5 of a)" in found.words


def test_packets_of_a_datagram_exchange_are_lined_up_too() -> None:
    from tests import builders as b

    udp = {
        "transport": "udp",
        "stream": 3,
        "src": o.PC,
        "dst": "10.0.0.1",
        "src_port": 5000,
        "dst_port": 53,
        "flags": None,
    }
    rows = b.packets(udp, udp | {"src": "10.0.0.1", "dst": o.PC, "src_port": 53, "dst_port": 5000})
    a = side("a", b.tables(packets=rows))
    parting = Parting(
        exchange="x", area="resolution", words="", good_frame=2, bad_frame=None, good_time=None, bad_time=None
    )
    made = lined_up(parting, a, a)
    assert made.good is not None
    assert made.good.frames == [1, 2]
    assert made.bad is None
