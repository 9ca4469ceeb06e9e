"""What was found, in words."""

from __future__ import annotations

import polars as pl
import pytest

from tests.builders import CLIENT, OUTSIDE, START, packets, tables
from tshark_report.focus import tell
from tshark_report.focus.asked import Asked
from tshark_report.focus.conversations import Conversations
from tshark_report.focus.indicators import Indicator
from tshark_report.focus.lookup import Found, Hit
from tshark_report.focus.match_alerts import Matched
from tshark_report.focus.widen import Scope

NO_ALERTS = Matched([], 0, 0)


def _scope(*rows: dict[str, object]) -> Scope:
    made = Conversations(tables(packets=packets(*rows)))
    numbers = made.rows["conversation"]
    return Scope(CLIENT, numbers, made.rows, made.frames_of(numbers))


def test_a_sentence_has_who_when_and_how_much() -> None:
    scope = _scope(
        {"length": 100, "flags": 2}, {"src": OUTSIDE, "dst": CLIENT, "src_port": 443, "dst_port": 40000, "length": 900}
    )
    text = tell.client_sentence(scope, [], [], "In all.", [], lambda a: f"{a} (pc)" if a == CLIENT else a)
    assert text == (
        f"{CLIENT} (pc) reached {OUTSIDE} on tcp/443 from 22:13:20 to 22:13:21 UTC: 1 conversation; it sent 1 packet "
        "(100 bytes) and received 1 packet (900 bytes). In all."
    )


def test_nothing_back_and_the_other_direction() -> None:
    assert "received nothing back" in tell.client_sentence(_scope({"flags": 2}), [], [], "", [], str)
    other = _scope({"src": OUTSIDE, "dst": CLIENT, "dst_port": 80, "flags": 2})
    assert f"{CLIENT} was reached by {OUTSIDE} on tcp/80" in tell.client_sentence(other, [], [], "", [], str)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (START, START + 0.2, "at 22:13:20 UTC"),
        (START, START + 61, "from 22:13:20 to 22:14:21 UTC"),
        (START, START + 7200, "from 2023-11-14 22:13:20 to 2023-11-15 00:13:20 UTC"),
    ],
)
def test_spans(first: float, last: float, words: str) -> None:
    assert tell.span(first, last) == words


def test_filters_of_a_scope() -> None:
    assert tell.scope_filter(_scope({})) == f"ip.addr == {CLIENT} && ip.addr == {OUTSIDE}"
    many = [{"stream": n, "dst": f"203.0.113.{n + 1}", "dst_port": 23, "flags": 2} for n in range(20)]
    assert tell.scope_filter(_scope(*many)) == f"ip.addr == {CLIENT} && tcp.port == 23"


def _hit(value: str = OUTSIDE, kind: str = "address") -> Hit:
    return Hit(kind, value, "--focus", "", pl.Series([2, 9], dtype=pl.UInt32), ("packets",), "ip")


def test_match_carries_frames_and_times() -> None:
    rows = tables(packets=packets(*({} for _ in range(9))))
    made = tell.match(_hit(), [CLIENT], rows)
    assert (made.first_frame, made.last_frame, made.frames) == (2, 9, [2, 9])
    assert made.first_time == "2023-11-14T22:13:21.000000Z"
    assert made.defanged == "203[.]0[.]113[.]9"
    assert not made.filter_checked


def test_missing_is_defanged() -> None:
    assert tell.missing(Indicator(("url",), "http://a.example/x", "l")).defanged == "hxxp://a[.]example/x"
    assert tell.missing(Indicator(("file",), "a.exe", "l")).defanged == "a.exe"


def test_how_much_of_it_is_here() -> None:
    gone = Indicator(("address",), "203.0.113.8")
    assert tell.sentence([], Found([], 0, [gone]), NO_ALERTS, [], 1) == "203.0.113.8 is not in this capture."
    assert tell.sentence([], Found([], 2, [gone]), NO_ALERTS, [], 3) == "2 of 3 indicators are in this capture."
    assert "1 of 4 alerts fit" in tell.sentence([], Found([], 0, []), Matched([], 1, 4), [], 0)
    assert tell.sentence([], Found([], 0, []), NO_ALERTS, [], 0) == "Nothing of what was given could be looked for."


def test_what_was_asked_about() -> None:
    assert tell.asked_about([_hit()], [], 0, Asked()) == OUTSIDE
    assert tell.asked_about([_hit("Own rule", "alert")], [], 3, Asked()) == "the alert Own rule"
    assert tell.asked_about([], [Indicator(("name",), "a.example")], 0, Asked()) == "a.example"
    assert tell.asked_about([], [], 2, Asked(moments=(1.0,))) == "2 alerts and 1 moment"


def test_short_words_for_the_verdict() -> None:
    assert (
        tell.short([], [], Found([], 0, [Indicator(("name",), "a")]), NO_ALERTS, "a.example")
        == "a.example is not in this capture."
    )
    assert "leads to no conversation" in tell.short([_hit()], [], Found([], 1, []), NO_ALERTS, OUTSIDE)
