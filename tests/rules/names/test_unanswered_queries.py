"""DNS005: silent and lossy servers; quiet on single losses, on the end of the capture and on one direction only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, packets, tables
from tests.conftest import fixture_capture
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.unanswered_queries import unanswered_queries


def dns(*rows: Any, hearing: bool = True, end: float = 1000.0) -> Any:
    last = [{"time": START + end, "dst": wire.CLIENT if hearing else "10.0.0.9", "src": "192.0.2.1"}]
    return tables(dns=family("dns", *rows), packets=packets({"src": wire.CLIENT}, *last))


def tries(number: int, gap: float = 1.0, **columns: Any) -> list[Any]:
    return [q("a.example.com", id=n, time=START + n * gap, **columns) for n in range(number)]


def test_fires_at_three_queries_to_a_silent_server() -> None:
    found = drafts(unanswered_queries, dns(*tries(3)))
    assert [(d.subject, d.priority) for d in found] == [(wire.RESOLVER, "medium")]
    assert "never answered" in found[0].summary
    assert not drafts(unanswered_queries, dns(*tries(2)))


def test_low_where_the_wait_is_short() -> None:
    assert drafts(unanswered_queries, dns(*tries(3, 0.5)))[0].priority == "low"


def answered(number: int) -> list[Any]:
    return [
        row for n in range(number) for row in (q(f"n{n}.example.com", id=900 + n), r(f"n{n}.example.com", id=900 + n))
    ]


def test_a_server_that_answers_others() -> None:
    lost = [q(f"lost{n}.example.com", id=n) for n in range(5)]
    assert drafts(unanswered_queries, dns(*lost, *answered(45)))[0].priority == "low"
    assert not drafts(unanswered_queries, dns(*lost[:4], *answered(4)))
    assert not drafts(unanswered_queries, dns(*lost, *answered(46)))


def test_tells_who_answered_in_the_end() -> None:
    late = [
        q("a.example.com", id=9, time=START + 4.5, dst=wire.OTHER),
        r("a.example.com", id=9, time=START + 5, src=wire.OTHER),
    ]
    found = drafts(unanswered_queries, dns(*tries(3), *late))
    assert "waited up to 5.0 s" in found[0].summary
    assert f"before {wire.OTHER} answered it" in found[0].summary


def test_medium_where_every_look_up_waits_for_the_second_server() -> None:
    def late(number: int, wait: float) -> list[Any]:
        rows = []
        for n in range(number):
            at = START + 10.0 * n
            rows += [
                q(f"n{n}.example.com", id=n, time=at),
                q(f"n{n}.example.com", id=500 + n, time=at + wait - 0.1, dst=wire.OTHER),
                r(f"n{n}.example.com", id=500 + n, time=at + wait, src=wire.OTHER),
            ]
        return rows

    found = drafts(unanswered_queries, dns(*late(10, 1.0)))
    assert [(d.subject, d.priority) for d in found] == [(wire.RESOLVER, "medium")]
    assert "10 questions were answered by another server only, 1.0 s or more later each" in found[0].summary
    assert drafts(unanswered_queries, dns(*late(9, 1.0)))[0].priority == "low"
    assert drafts(unanswered_queries, dns(*late(10, 0.8)))[0].priority == "low"


def test_windows_placeholders_are_context() -> None:
    found = drafts(unanswered_queries, dns(*tries(6, dst="fec0:0:0:ffff::1")))
    assert found[0].priority == "info"
    assert found[0].lowered_because


def test_quiet_at_the_end_of_the_capture() -> None:
    assert not drafts(unanswered_queries, dns(*tries(3), end=2.5))


def test_quiet_where_nothing_reaches_the_client() -> None:
    assert not drafts(unanswered_queries, dns(*tries(9), hearing=False))


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n in range(6):
        frames += [
            ask(n, 10 + n, f"lost{n}.example.com"),
            ask(n + 0.2, 50 + n, "ok.example.com"),
            tell(n + 0.3, 50 + n, "ok.example.com"),
        ]
    frames.append((20.0, wire.quoted("10.0.0.1", wire.CLIENT, frames[0][1])))
    frames += [ask(30, 99, "ok.example.com"), tell(30.1, 99, "ok.example.com")]
    path = wire.write(tmp_path / "lost.pcap", frames)
    found = drafts(unanswered_queries, loaded(path).tables)
    assert len(found[0].frames) == 6
    assert "1 ICMP error" in found[0].summary
    assert wire.exact(path, found[0])


def test_fixture(loaded) -> None:  # noqa: ANN001
    path = fixture_capture("unanswered")
    found = drafts(unanswered_queries, loaded(path).tables)
    assert [d.subject for d in found] == ["198.51.100.54"]
    assert wire.exact(path, found[0])
