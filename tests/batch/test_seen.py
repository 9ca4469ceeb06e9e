"""What of one capture is compared with others."""

from __future__ import annotations

from tests.batch.made import pcap, question
from tests.conftest import fixture_capture
from tshark_report.batch import seen
from tshark_report.pipeline import tell
from tshark_report.reading import Request, opened


def test_values_of_a_real_capture() -> None:
    request = Request(fixture_capture("staged_incident"), jobs=1)
    with opened(request) as read:
        report = tell(request, read, evidence=False).report
        values, cut = seen.seen(read[0].tables, report)
    by_kind = {kind: {v.value: v for v in values if v.kind == kind} for kind in ("host", "name", "indicator", "sha256")}
    assert by_kind["host"]["203.0.113.77"].priority == "high"
    assert "www.toyshop.example" in by_kind["name"]
    assert any(value.startswith("ipv4 ") for value in by_kind["indicator"])
    assert {f.sha256 for f in report.files} <= set(by_kind["sha256"])
    assert not any(v.value.endswith(".255") or v.value.startswith(("224.", "ff0")) for v in values if v.kind == "host")
    assert all(v.first <= v.last and v.packets > 0 for v in values)
    assert cut == {}


def test_too_many_values_are_cut_and_counted(monkeypatch, tmp_path) -> None:  # noqa: ANN001
    monkeypatch.setattr(seen, "MOST", 3)
    path = pcap(tmp_path / "a.pcap", *(question(f"n{i}.example", number=i) for i in range(8)), question("n1.example"))
    request = Request(path, jobs=1)
    with opened(request) as read:
        values, cut = seen.seen(read[0].tables, tell(request, read, evidence=False).report)
    names = [v.value for v in values if v.kind == "name"]
    assert len(names) == 3
    assert names[0] == "n1.example", "those in most packets are kept"
    assert cut["name"] == 5
