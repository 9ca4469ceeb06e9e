"""One capture, from its file to its report in the output."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.batch.made import START, job, pcap, question
from tests.batch.test_slot import _work
from tests.conftest import fixture_capture
from tshark_report.batch import key, place, work
from tshark_report.batch.records import Given, Outcome, Work
from tshark_report.capture.tshark import Tshark


def _do(each: Work, out: Path, tshark: Tshark, **more: object) -> Outcome:
    return work.do(each, job(tshark.version, **more), str(out), lambda _what, _share: None)


def test_every_format_and_the_tables(tmp_path: Path, tshark: Tshark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    each = _work(fixture_capture("port_scan"))
    outcome = _do(each, tmp_path, tshark, formats=("html", "pdf", "json", "md", "indicators"), tables=True)
    assert outcome.failure is None, outcome.failure
    summary = outcome.summary
    assert summary is not None
    folder = tmp_path / "reports" / outcome.folder
    assert set(summary.files) <= {p.name for p in folder.iterdir()}
    assert {"report.html", "report.pdf", "report.json", "report.md"} <= set(summary.files)
    report = json.loads((folder / "report.json").read_text())
    assert report["generated"] == "2026-01-01T00:00:00.000000Z"
    assert report["capture"]["sha256"] == summary.sha256
    assert summary.findings["high"] == sum(1 for f in report["findings"] if f["priority"] == "high")
    assert summary.points[0].host == report["starting_points"][0]["hosts"][0]
    assert (tmp_path / "tables" / f"capture={summary.id}" / "packets.parquet").exists()
    assert not list((tmp_path / ".work").iterdir())


def test_what_options_name_goes_along_as_content(tmp_path: Path, tshark: Tshark) -> None:
    each = _work(pcap(tmp_path / "a.pcap", question("asked.example"), question("other.example")))
    files = (Given("ioc", "list.txt", b"asked.example\nmissing.example\n"),)
    outcome = _do(each, tmp_path / "out", tshark, files=files)
    assert outcome.summary is not None, outcome.failure
    assert (outcome.summary.asked_for, outcome.summary.asked_total) == (["asked[.]example"], 1)


def test_what_is_no_capture_is_an_outcome(tmp_path: Path, tshark: Tshark) -> None:
    path = tmp_path / "text.pcap"
    path.write_text("no capture")
    outcome = _do(_work(path), tmp_path / "out", tshark)
    assert outcome.failure is not None
    assert outcome.failure.what == "this is not a capture file"
    assert outcome.failure.exit_code == 4
    assert not outcome.again
    assert not (tmp_path / "out" / "reports").exists()


def test_a_file_that_changed_since_it_was_hashed_is_tried_again(tmp_path: Path, tshark: Tshark) -> None:
    path = pcap(tmp_path / "a.pcap", question("a.example"))
    each = _work(path)
    pcap(path, question("a.example"), question("b.example"))
    outcome = _do(each, tmp_path / "out", tshark)
    assert outcome.again
    assert outcome.failure is not None
    assert outcome.failure.what == "the file changed while it was read"


def test_files_of_one_recording_are_read_as_one(tmp_path: Path, tshark: Tshark) -> None:
    files = [
        pcap(
            tmp_path / f"r{i}.pcap",
            question("a.example", number=i),
            question("b.example", number=i),
            start=START + 10 * i,
        )
        for i in range(3)
    ]
    digest = key.joined(key.content(p) for p in files)
    each = Work(key.short(digest), digest, tuple(map(str, files)), "r0+2.pcapng", 1, folder="r")
    outcome = _do(each, tmp_path / "out", tshark)
    assert outcome.failure is None, outcome.failure
    summary = outcome.summary
    assert summary is not None
    assert (summary.packets, summary.duration_s) == (6, 21.0)
    assert [(Path(p.path).name, p.first_frame, p.last_frame) for p in summary.parts] == [
        ("r0.pcap", 1, 2),
        ("r1.pcap", 3, 4),
        ("r2.pcap", 5, 6),
    ]
    report = json.loads((tmp_path / "out" / "reports" / "r" / "report.json").read_text())
    assert report["commands"][0]["command"] == "mergecap -a -w r0+2.pcapng r0.pcap r1.pcap r2.pcap"
    assert "r1.pcap: frames 3-4" in report["limits"][0]


def test_a_recording_of_which_a_file_changed(tmp_path: Path, tshark: Tshark) -> None:
    files = [pcap(tmp_path / f"r{i}.pcap", question("a.example"), start=START + i) for i in range(2)]
    each = Work("0" * 16, "0" * 64, tuple(map(str, files)), "r0+1.pcapng", 1, folder="r")
    outcome = _do(each, tmp_path / "out", tshark)
    assert outcome.again
    assert outcome.summary is None


def test_a_worker_with_other_versions_makes_no_report(tmp_path: Path, tshark: Tshark) -> None:
    each = _work(pcap(tmp_path / "a.pcap", question("a.example")))
    outcome = work.do(each, job("9.9.9"), str(tmp_path / "out"), lambda _what, _share: None)
    assert outcome.failure is not None
    assert "other versions" in outcome.failure.what


def test_an_error_of_ours_is_this_captures_and_says_what(
    tmp_path: Path, tshark: Tshark, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(work.seen, "seen", broken)
    outcome = _do(_work(pcap(tmp_path / "a.pcap", question("a.example"))), tmp_path / "out", tshark)
    assert outcome.failure is not None
    assert outcome.failure.what == "an internal error"
    assert outcome.failure.detail.startswith("ZeroDivisionError: oh (test_work.py, line ")
    assert place.Local(str(tmp_path / "out")).listing(place.REPORTS) == []


def test_a_report_that_is_made_again_replaces_the_old_one(tmp_path: Path, tshark: Tshark) -> None:
    each = _work(pcap(tmp_path / "a.pcap", question("a.example")))
    _do(each, tmp_path / "out", tshark, formats=("html", "json"))
    outcome = _do(replace(each, name="a.pcap"), tmp_path / "out", tshark, formats=("json",))
    folder = tmp_path / "out" / "reports" / outcome.folder
    assert sorted(p.name for p in folder.iterdir()) == ["paths.json", "report.json", "seen.json", "summary.json"]
