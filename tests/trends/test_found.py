"""What is raised, what is not and why, over captures, hours and days."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.store.folders import folder
from tests.trends.made import DAY, MONDAY, conversations, packets, week
from tshark_report.errors import UsageError
from tshark_report.store.catalogue import find as catalogue
from tshark_report.trends.found import Asked, find
from tshark_report.trends.model import Trends

USUAL = [100, 104, 98, 101, 99, 103]


def trends(out: Path, **asked: object) -> Trends:
    return find(catalogue(out), Asked(**asked), "made", now=lambda: datetime(2026, 3, 9, tzinfo=UTC))  # type: ignore[arg-type]


def test_a_port_from_nothing(tmp_path: Path) -> None:
    made = trends(week(tmp_path, {443: USUAL, 5358: [0, 0, 0, 0, 30, 400]}), kinds=("port",))
    (one,) = made.grown
    assert (made.step, one.key, made.buckets[one.onset].label, one.peak) == ("day", "tcp/5358", "2026-03-06", 5)
    assert one.series.records == [0, 0, 0, 0, 30, 400]
    assert one.series.sources == [0, 0, 0, 0, 10, 10]
    assert one.series.targets == [0, 0, 0, 0, 5, 5]
    assert (one.unanswered, one.refused, one.before_most) == (430, 0, 0)
    assert one.first_seen == "2026-03-06T01:00:00.000000Z"
    assert one.share_at_peak == pytest.approx(400 / 503, abs=1e-6)
    assert one.display_filter == "tcp.port == 5358"
    assert [(p.capture, p.records) for p in one.places] == [("day6", 400), ("day5", 30)]
    assert one.places[0].command == "tshark-report carve day6.pcap --filter 'tcp.port == 5358' -o tcp-5358.pcapng"
    assert one.uses is not None
    assert one.uses.service == "wsdapi-s"
    assert "Hajime" in one.uses.known
    assert one.uses.references
    assert [s.src for s in one.samples] == [f"203.0.113.{n}" for n in range(6)]
    assert {s.note for s in one.samples} == {"no answer"}
    assert one.harmless
    assert made.headline == "TCP port 5358 (wsdapi-s) went from nothing to 400 a day, beginning with 2026-03-06."


def test_near_misses_are_said_not_raised(tmp_path: Path) -> None:
    out = week(
        tmp_path,
        {443: [60, 64, 58, 61, 240, 250], 22: [30, 32, 29, 31, 120, 125], 873: [60, 0, 0, 0, 0, 60]},
    )
    made = trends(out, kinds=("port",))
    assert made.grown == []
    assert {(p.key, p.reason) for p in made.passed} == {
        ("tcp/443", "grew with the total"), ("tcp/22", "grew with the total"), ("tcp/873", "was as high before"),
    }  # fmt: skip
    assert "its share of all was" in next(p.sentence for p in made.passed if p.key == "tcp/443")
    assert "60 on 2026-03-02 already" in next(p.sentence for p in made.passed if p.key == "tcp/873")
    assert made.headline == "Nothing stands out over 6 days."


def test_hosts_that_grew_only_by_the_port_are_told_with_it(tmp_path: Path) -> None:
    out = week(tmp_path, {443: USUAL, 5358: [0, 0, 0, 0, 30, 900]}, sources=6, targets=3)
    made = trends(out)
    assert [one.kind for one in made.grown] == ["port"]
    assert {part.split(" ")[0] for part in made.grown[0].takes_part} <= {"client", "server", "protocol"}
    counted = {c.kind: c.grown for c in made.counted}
    assert counted == {"port": 1, "protocol": 0, "client": 0, "server": 0, "name": 0}


def test_a_host_that_grew_by_itself_is_raised(tmp_path: Path) -> None:
    for day in range(6):
        at = MONDAY + day * DAY
        rows = conversations(443, 100, at)
        if day == 5:
            rows += [
                s | {"client": "10.9.9.9", "server_port": 1000 + n % 90, "stream": 200 + n, "first_frame": 200 + n}
                for n, s in enumerate(conversations(0, 300, at))
            ]
        folder(tmp_path / f"capture={day}", f"{day}.pcap", packets=packets(rows), tcp_sessions=rows)
    made = trends(tmp_path, kinds=("port", "client", "server"))
    assert [(one.kind, one.key) for one in made.grown] == [("client", "10.9.9.9")]
    assert made.grown[0].display_filter == "ip.addr == 10.9.9.9"


def test_names_by_question_server_name_and_host(tmp_path: Path) -> None:
    for day in range(5):
        at = MONDAY + day * DAY
        asked = [
            {"frame": n + 1, "time": at + n, "src": f"10.0.0.{n % 7}", "dst": "10.0.0.53", "protocol": "DNS",
             "name": "www.example", "response": False}
            for n in range(80)
        ]  # fmt: skip
        hello = [
            {"frame": n + 100, "time": at + n, "src": "10.0.0.9", "dst": "203.0.113.1", "server_name": 'Odd"|x.example'}
            for n in range(90 if day == 4 else 0)
        ]
        answers = [asked[0] | {"response": True, "name": "not.asked"} for _ in range(200)]
        folder(
            tmp_path / f"capture={day}", f"{day}.pcap", dns=[*asked, *answers], tls=hello,
            packets=[{"frame": 1, "time": at, "protocol": "DNS"}],
        )  # fmt: skip
    made = trends(tmp_path, kinds=("name",))
    (one,) = made.grown
    assert one.key == 'odd"|x.example'
    assert one.series.sources[-1] == 1
    assert r"\"" in one.display_filter  # it stays inside the string
    assert made.counted[0].keys == 2
    assert {s.note for s in one.samples} == {"TLS server name"}


def test_hours_need_a_day_before_them(tmp_path: Path) -> None:
    rows = [
        s | {"stream": n, "first_frame": n + 1}
        for n, s in enumerate(
            s
            for hour in range(60)
            for port, number in ((443, 40), (23, 50 if hour in (8, 40) else 0))
            for s in conversations(port, number, MONDAY + hour * 3600)
        )
    ]
    folder(tmp_path / "capture=a", packets=packets(rows), tcp_sessions=rows)
    made = trends(tmp_path, kinds=("port",), step="hour")
    assert (len(made.buckets), made.history, made.buckets[8].label) == (60, 24, "2026-03-02 08:00")
    # At eight on the first day nothing can be said; on the second it was as high before.
    assert made.grown == []
    assert [(p.key, p.reason) for p in made.passed] == [("tcp/23", "was as high before")]


def test_files_in_order_of_their_first_packet(tmp_path: Path) -> None:
    for place, number in ((3, 0), (1, 0), (2, 0), (4, 90)):
        rows = conversations(443, 100, MONDAY + place * 60) + conversations(23, number, MONDAY + place * 60)
        folder(tmp_path / f"capture={9 - place}", f"ring_{place}.pcap", packets=packets(rows), tcp_sessions=rows)
    made = trends(tmp_path, kinds=("port",))
    assert made.step == "file"
    assert [b.label for b in made.buckets] == ["ring_1.pcap", "ring_2.pcap", "ring_3.pcap", "ring_4.pcap"]
    assert [one.key for one in made.grown] == ["tcp/23"]
    assert "in ring_4.pcap" in made.grown[0].story


def test_the_same_capture_twice_counts_once(tmp_path: Path) -> None:
    out = week(tmp_path, {443: USUAL, 5358: [0, 0, 0, 0, 0, 15]})
    rows = conversations(5358, 15, MONDAY + 5 * DAY)
    for name in ("x", "y", "z"):
        folder(out / f"capture={name}", "copy.pcap", sha256="c" * 64, packets=packets(rows), tcp_sessions=rows)
    made = trends(out, kinds=("port",))
    (one,) = made.grown
    assert one.series.records[-1] == 30
    assert any("same content" in note for note in made.notes)


def test_too_few_days_are_said(tmp_path: Path) -> None:
    made = trends(week(tmp_path, {443: [100, 900]}), step="day")
    assert made.grown == made.passed == made.first_seen == []
    assert made.headline == "Too few days to compare: 2, and 4 are needed."
    assert any("nothing could be judged" in note for note in made.notes)


def test_uneven_days_are_said(tmp_path: Path) -> None:
    for day, seconds in enumerate((80_000, 80_000, 80_000, 80_000, 600)):
        at = MONDAY + day * DAY
        rows = [{"frame": 1, "time": at, "protocol": "X"}, {"frame": 2, "time": at + seconds, "protocol": "X"}]
        folder(tmp_path / f"capture={day}", f"{day}.pcap", packets=rows)
    assert any("between 10 min 0 s and 22 h 13 min" in note for note in trends(tmp_path).notes)


def test_first_seen_only_in_the_last_bucket(tmp_path: Path) -> None:
    made = trends(week(tmp_path, {443: USUAL, 8443: [0, 0, 0, 0, 0, 7], 99: [0, 0, 0, 0, 0, 4]}), kinds=("port",))
    assert [(new.key, new.records) for new in made.first_seen] == [("tcp/8443", 7)]


def test_years_between_two_packets_make_no_years_of_buckets(tmp_path: Path) -> None:
    rows = [{"frame": n + 1, "time": n * 400 * DAY, "protocol": "X"} for n in range(6)]
    folder(tmp_path / "capture=a", packets=rows)
    made = trends(tmp_path, step="hour")
    assert len(made.buckets) == 6


def test_no_packet_at_all(tmp_path: Path) -> None:
    folder(tmp_path / "capture=a")
    with pytest.raises(UsageError, match="no packet"):
        trends(tmp_path)


def test_the_users_limits(tmp_path: Path) -> None:
    out = week(tmp_path, {443: USUAL, 5358: [0, 0, 0, 0, 0, 15]})
    assert trends(out, kinds=("port",)).grown == []
    assert [one.key for one in trends(out, kinds=("port",), least=10).grown] == ["tcp/5358"]
    assert trends(out, kinds=("port",), least=10, score=50.0).grown == []
