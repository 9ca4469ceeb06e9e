"""Two tsharks give the rows of one, packet for packet."""

from __future__ import annotations

import polars as pl
import pytest

from tests.conftest import CASES, FIXTURES, case_capture
from tshark_report.capture import split
from tshark_report.tables import columns, taps

FIXTURE_NAMES = sorted(p.parent.name for p in FIXTURES.glob("*/capture.pcap*"))
CASE_NAMES = sorted(p.parent.name for p in CASES.glob("*/key.json")) if CASES.is_dir() else []


def _joined(rows: pl.DataFrame) -> pl.DataFrame:
    """Lists of texts as one text: a text with a comma is one value to the full layout and two to the fast one."""
    return rows.with_columns(pl.col(n).list.join(",") for n, t in rows.schema.items() if t == pl.List(pl.String))


def _compare(path, loaded, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(split, "LEAST_PACKETS", 2)
    monkeypatch.setattr(split, "MOST_IN_ONE", 1.1)
    one, two = loaded(path, jobs=1), loaded(path, jobs=2)
    assert one.tables.packets.equals(two.tables.packets, null_equal=True)
    for family in columns.FAMILY_NAMES:
        assert _joined(one.tables.family(family)).equals(_joined(two.tables.family(family)), null_equal=True), family
    assert one.tables.expert.equals(two.tables.expert, null_equal=True)
    hierarchies = [sorted((r.level, r.protocol, r.frames, r.bytes) for r in taps.hierarchy(m.taps)) for m in (one, two)]
    assert hierarchies[0] == hierarchies[1]
    assert taps.reconcile(two.tables, two.taps).agrees
    hashes = [sorted(m.tables.files["sha256"].to_list()) for m in (one, two)]
    assert hashes[0] == hashes[1]
    return len(two.taps)


@pytest.mark.parametrize("name", FIXTURE_NAMES)
def test_fixtures(name: str, loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    _compare(next((FIXTURES / name).glob("capture.pcap*")), loaded, monkeypatch)


@pytest.mark.shared
@pytest.mark.parametrize("name", CASE_NAMES)
def test_published_captures(name: str, loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "ndpi_pop3":
        pytest.skip("mail objects are named by tshark in the order it meets them; hashes of cut mails may then differ")
    _compare(case_capture(name), loaded, monkeypatch)


@pytest.mark.parametrize("name", ["cleartext_logins", "lateral_smb", "quiet_hour", "staged_incident"])
def test_protocols_on_ports_that_are_not_their_usual_ones(name: str, loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of their fields is asked for at first: their packets, or the whole shard, are read once more."""
    monkeypatch.setattr(columns, "SELDOM", tuple((markers, frozenset()) for markers, _ in columns.SELDOM))
    _compare(next((FIXTURES / name).glob("capture.pcap*")), loaded, monkeypatch)


def test_small_captures_are_not_split(loaded) -> None:
    made = loaded(next((FIXTURES / "port_scan").glob("capture.pcap*")), jobs=2)
    assert len(made.taps) == 1
