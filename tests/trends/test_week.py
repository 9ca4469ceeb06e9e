"""The made week end to end: packets, tshark, tables, trends. TCP 5358 comes out of it, and nothing else."""

from __future__ import annotations

import pytest

from tests.trends import week
from tshark_report import store
from tshark_report.pipeline import tell
from tshark_report.reading import Request, opened
from tshark_report.store.catalogue import find as catalogue
from tshark_report.trends.found import Asked, find
from tshark_report.trends.model import Trends

pytestmark = pytest.mark.tshark


@pytest.fixture(scope="module")
def trends(tmp_path_factory: pytest.TempPathFactory) -> Trends:
    """Two captures of four days each: what is a day is told by the clock, not by the file."""
    top = tmp_path_factory.mktemp("week")
    (top / "tables").mkdir()
    for number, days in enumerate((range(4), range(4, 8)), 1):
        capture = week.write(top / f"week_{number}.pcap", [p for day in days for p in week.day_of(day)])
        request = Request(capture)
        with opened(request) as read:
            built = tell(request, read, evidence=False)
            store.write(top / "tables" / f"capture=part{number}", *read[:2], request, built.report, built.told)
    return find(catalogue(top), Asked(), "week")


def test_5358_stands_out_and_nothing_else(trends: Trends) -> None:
    assert [(one.kind, one.key) for one in trends.grown] == [("port", "tcp/5358")]
    one = trends.grown[0]
    assert one.series.records == list(week.PROBES)
    assert sum(one.series.records) > 5000
    assert [bucket.label for bucket in trends.buckets] == [f"2026-03-0{day}" for day in range(2, 10)]
    assert (one.onset, one.peak) == (4, 7)
    assert one.series.targets[-1] == 60
    assert one.series.sources[-1] > 2000
    assert trends.headline.startswith("TCP port 5358 (wsdapi-s) went from nothing to 2,400 a day")


def test_what_the_conversations_came_to(trends: Trends) -> None:
    one = trends.grown[0]
    whole = sum(-(-number // 9) for number in week.PROBES)
    refused = sum(sum(1 for n in range(number) if n % 9 and n % 3 == 0) for number in week.PROBES)
    assert (one.refused, one.unanswered) == (refused, sum(week.PROBES) - whole - refused)
    sent, received = one.payloads[:2]
    assert {sent.direction, received.direction} == {"sent", "received"}
    texts = {start.direction: start.text for start in one.payloads}
    assert texts == {"sent": "enable..system..shell..sh..", "received": "......login: "}
    assert sent.times == received.times == whole


def test_near_misses_are_named_with_their_reason(trends: Trends) -> None:
    reasons = {p.key: p.reason for p in trends.passed if p.kind == "port"}
    assert reasons == {
        "tcp/443": "grew with the total", "udp/53": "grew with the total", "tcp/873": "was as high before",
    }  # fmt: skip


def test_where_the_packets_are(trends: Trends) -> None:
    one = trends.grown[0]
    assert [(place.file_name, place.records) for place in one.places] == [("week_2.pcap", sum(week.PROBES))]
    assert all(sample.file_name == "week_2.pcap" for sample in one.samples)
    assert one.samples[0].time.startswith("2026-03-06")
