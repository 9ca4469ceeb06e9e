"""The records that an output keeps."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from tests.batch.made import job, summary
from tshark_report.batch.records import Seen, Summary, Work


@pytest.mark.parametrize(
    ("findings", "worst"),
    [({}, None), ({"info": 3}, "info"), ({"low": 1, "high": 1}, "high"), ({"medium": 1, "low": 4}, "medium")],
)
def test_the_worst_finding(findings: dict[str, int], worst: str | None) -> None:
    assert summary("0" * 16, findings=findings).worst == worst


def test_a_newer_summary_can_be_read() -> None:
    data = msgspec.json.decode(msgspec.json.encode(summary("0" * 16)))
    assert msgspec.json.decode(msgspec.json.encode(data | {"new": 1}), type=Summary) == summary("0" * 16)


def test_work_and_job_can_be_sent_to_another_process() -> None:
    work = Work("a", "b", ("f",), "f", 1)
    assert pickle.loads(pickle.dumps((work, job()))) == (work, job())
    assert pickle.loads(pickle.dumps(Seen("host", "a", 1.0, 2.0, 3))) == Seen("host", "a", 1.0, 2.0, 3)
