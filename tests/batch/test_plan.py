"""What is done, what is kept, and which captures are split."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.batch.made import job, pcap, question, summary
from tshark_report.batch import discover, key, place
from tshark_report.batch.plan import Kept, Known, cores, plan
from tshark_report.batch.records import Failure, Work


def test_small_ones_share_the_machine_and_a_giant_is_split() -> None:
    assert cores([100] * 8, 4) == [1] * 8
    assert cores([10**8, 10**8], 4) == [2, 2]
    assert cores([10**9, 1000, 1000], 4)[0] == 4
    assert cores([10**9], 8) == [8]
    assert cores([], 4) == []


def _there(output: place.Local, identity: str, job_key: str) -> None:
    folder = f"reports/x-{identity}"
    output.write(f"{folder}/{place.SUMMARY}", msgspec.json.encode(summary(identity, key=job_key)))


def test_only_what_is_new_or_of_another_key_is_work(tmp_path: Path) -> None:
    paths = [pcap(tmp_path / "in" / f"{i}.pcap", question(f"n{i}.example")) for i in range(3)]
    ids = [key.short(key.content(p)) for p in paths]
    output = place.Local(str(tmp_path / "out"))
    output.begin()
    wanted = job()
    _there(output, ids[0], wanted.key)
    _there(output, ids[1], "another")
    found = discover.look([str(tmp_path / "in")]).found
    made = list(plan(found, wanted, Known.of(output, remote_too=False), 1))
    assert [type(m) for m in made] == [Kept, Work, Work]
    first, second = (m for m in made if isinstance(m, Work))
    assert first.folder == f"x-{ids[1]}", "a report that is made again takes its old place"
    assert second.folder == f"in-2-{ids[2]}"


def test_a_damaged_summary_is_no_report(tmp_path: Path) -> None:
    path = pcap(tmp_path / "in" / "a.pcap", question("a.example"))
    identity = key.short(key.content(path))
    output = place.Local(str(tmp_path / "out"))
    output.begin()
    output.write(f"reports/x-{identity}/{place.SUMMARY}", b'{"key": ')
    [made] = plan(discover.look([str(path)]).found, job(), Known.of(output, remote_too=False), 1)
    assert isinstance(made, Work)


def test_a_file_that_goes_away_in_between_is_a_failure(tmp_path: Path) -> None:
    path = pcap(tmp_path / "a.pcap", question("a.example"))
    found = discover.look([str(path)]).found
    path.unlink()
    [made] = plan(found, job(), Known.of(place.Local(str(tmp_path / "out")), remote_too=False), 1)
    assert isinstance(made, Failure)
    assert made.what == "the capture is not readable"
