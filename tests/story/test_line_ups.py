"""Which packets and fields a starting point lines up."""

from __future__ import annotations

from dataclasses import replace

from tests import builders as b
from tshark_report.rules import ALL
from tshark_report.rules.base import Draft, evidence
from tshark_report.story.findings import Fired
from tshark_report.story.line_ups import AROUND, line_up_for


def _fired(frames: list[int], fields: tuple[str, ...] = ()) -> Fired:
    draft = Draft(
        "s", (b.CLIENT,), "x", "x", "low", "low", "tcp", frames, evidence([("frame", "frame")], []), line_up=fields
    )
    return Fired(replace(ALL[0]), draft)


def test_one_packet_stands_among_its_neighbours() -> None:
    made = line_up_for(_fired([20]), b.tables(packets=b.packets(*({"ttl": 49 if n != 19 else 46} for n in range(40)))))
    assert made is not None
    assert made.frames == list(range(20 - AROUND, 20 + AROUND + 1))
    ttl = [c.name for c in made.columns].index("TTL")
    assert made.columns[ttl].mark == "odd"
    assert (AROUND, ttl) in [tuple(cell) for cell in made.odd]


def test_fields_of_the_rule_decide() -> None:
    made = line_up_for(
        _fired([1, 2], ("dns.qry.name", "frame.len", "no.such.field", "ip.dst")),
        b.tables(packets=b.packets({}, {}), dns=b.family("dns", {"name": "a.example"}, {"name": "b.example"})),
    )
    assert made is not None
    assert {"dns.qry.name", "length", "destination"} <= {c.name for c in made.columns}
    assert [row[[c.field for c in made.columns].index("dns.qry.name")] for row in made.rows] == [
        "a.example",
        "b.example",
    ]


def test_a_lone_packet_has_no_line_up() -> None:
    assert line_up_for(_fired([1]), b.tables(packets=b.packets({}))) is None
    assert line_up_for(_fired([]), b.tables(packets=b.packets({}))) is None
