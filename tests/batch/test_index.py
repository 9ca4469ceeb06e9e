"""The index as data."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.batch.made import point, summary
from tshark_report.batch import index, place
from tshark_report.batch.across import Across
from tshark_report.batch.records import Failure, Paths, Summary


def put(output: place.Local, path: str, made: Summary) -> None:
    """A report that was never written, but for what the index reads."""
    folder = f"reports/x-{made.id}"
    output.write(f"{folder}/{place.SUMMARY}", msgspec.json.encode(made))
    output.write(f"{folder}/{place.PATHS}", msgspec.json.encode(Paths(at={path: ""})))
    output.write(f"{folder}/{place.SEEN}", b"[]")


def _gathered(output: place.Local) -> index.Index:
    with Across() as across:
        return index.gather(output, across, notes=[], passed_over=3)


def test_worst_first(tmp_path: Path) -> None:
    output = place.Local(str(tmp_path))
    loud = point("10.0.0.5", "x")
    quiet = point("10.0.0.5", "x", priority="medium")
    put(output, "/c/nothing.pcap", summary("0" * 16))
    put(output, "/c/b-medium.pcap", summary("1" * 16, points=[quiet], findings={"medium": 2}))
    put(output, "/c/a-medium.pcap", summary("2" * 16, points=[quiet], findings={"medium": 9}))
    put(output, "/c/high.pcap", summary("3" * 16, points=[loud], findings={"high": 1}))
    unsure = point("10.0.0.5", "x", confidence="low")
    put(output, "/c/unsure.pcap", summary("4" * 16, points=[unsure], findings={"high": 9}))
    put(output, "/c/low.pcap", summary("5" * 16, findings={"low": 1}))
    made = _gathered(output)
    assert [Path(r.path).stem for r in made.rows] == ["high", "unsure", "a-medium", "b-medium", "low", "nothing"]
    assert [r.rank for r in made.rows] == [1, 2, 3, 4, 5, 6]
    assert made.totals.by_priority == {"high": 2, "medium": 2, "low": 1, "none": 1}
    assert made.below == "/c/"
    assert made.names["3" * 16] == "high.pcap"


def test_what_was_asked_for_comes_first(tmp_path: Path) -> None:
    output = place.Local(str(tmp_path))
    put(output, "/c/high.pcap", summary("0" * 16, points=[point("10.0.0.5", "x")], findings={"high": 1}))
    put(output, "/c/asked.pcap", summary("1" * 16, asked_for=["203[.]0[.]113[.]9"], asked_total=1))
    assert [Path(r.path).stem for r in _gathered(output).rows] == ["asked", "high"]


def test_half_a_report_does_not_count(tmp_path: Path) -> None:
    output = place.Local(str(tmp_path))
    put(output, "/c/a.pcap", summary("0" * 16))
    output.write("reports/half-1111111111111111/report.html", b"x")
    output.write("reports/bad-2222222222222222/summary.json", b'{"half": ')
    assert [r.id for r in _gathered(output).rows] == ["0" * 16]


def test_failures_are_listed_by_path(tmp_path: Path) -> None:
    output = place.Local(str(tmp_path))
    for name in ("b", "a"):
        output.write(
            f"failures/{name}.json", msgspec.json.encode(Failure(id=name, path=f"/c/{name}.pcap", what="empty"))
        )
    made = _gathered(output)
    assert [f.path for f in made.failures] == ["/c/a.pcap", "/c/b.pcap"]
    assert made.totals.failed == 2
    assert made.totals.captures == 0


def test_the_same_content_at_several_places_is_one_row(tmp_path: Path) -> None:
    output = place.Local(str(tmp_path))
    put(output, "/c/a.pcap", summary("0" * 16))
    output.write(
        f"reports/x-{'0' * 16}/{place.PATHS}", msgspec.json.encode(Paths(at={"/c/z.pcap": "", "/c/b.pcap": ""}))
    )
    [row] = _gathered(output).rows
    assert (row.path, row.same) == ("/c/b.pcap", ["/c/z.pcap"])
