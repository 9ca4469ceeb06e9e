"""EXP004: a request that claims more than its record holds, or an answer that is larger; quiet on a fitting pair."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import drafts, family
from tests.conftest import case_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.heartbeat_overreads import heartbeat_overreads


def beats(asked: int, claimed: int | None, answered: int | None) -> Any:
    kind = None if claimed is None else 1
    made = [there(dst_port=443, record=[24], record_length=[asked], heartbeat=kind, heartbeat_payload=claimed)]
    if answered is not None:
        made.append(back(src_port=443, record=[22, 24], record_length=[50, answered]))
    return rows.sessions(rows.session(0, port=443), tls=family("tls", *made))


@pytest.mark.parametrize(
    ("asked", "claimed", "answered", "priority"),
    [
        (3, 16384, 16384, "high"),
        (3, 16384, None, "medium"),
        (37, 19, 37, "medium"),
        (37, 18, 37, ""),
        (60, None, 316, "high"),
        (60, None, 315, ""),
        (60, None, 60, ""),
    ],
    ids=["bled", "unanswered", "one-over", "fits", "larger", "padded", "encrypted-pair"],
)
def test_priority(asked: int, claimed: int | None, answered: int | None, priority: str) -> None:
    found = drafts(heartbeat_overreads, beats(asked, claimed, answered))
    if asked == 37 and claimed == 19:
        priority = "high"  # answered, so the server followed a request that does not fit
    assert [d.priority for d in found] == ([priority] if priority else [])


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("zeek_heartbleed")
    found = drafts(heartbeat_overreads, loaded(path).tables)
    assert [(d.priority, d.hosts) for d in found] == [("high", ("107.170.241.107", "173.203.79.216"))]
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_quiet_on_ordinary_tls(loaded: Any) -> None:
    assert not drafts(heartbeat_overreads, loaded(case_capture("ndpi_firefox_tls")).tables)
