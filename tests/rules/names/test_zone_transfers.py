"""DNS013: AXFR and IXFR, given or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.zone_transfers import zone_transfers

ZONE = "example.com"


def dns(*rows: Any) -> Any:
    return tables(dns=family("dns", *rows))


def test_medium_where_records_came_back() -> None:
    found = drafts(
        zone_transfers, dns(q(ZONE, 252), r(ZONE, 252, answer_names=["example.com", "a.example.com", "b.example.com"]))
    )
    assert found[0].priority == "medium"
    assert "3 records came back" in found[0].summary
    assert "AXFR" in found[0].summary


def test_low_where_refused_or_between_name_servers() -> None:
    assert "REFUSED" in drafts(zone_transfers, dns(q(ZONE, 252), r(ZONE, 252, rcode=5)))[0].summary
    listed = {"answer_names": [f"h{n}.example.com" for n in range(9)]}
    secondary = r("www.example.com", src=wire.CLIENT, dst="10.0.0.9")
    found = drafts(zone_transfers, dns(q(ZONE, 251), r(ZONE, 251, **listed), secondary))
    assert found[0].priority == "low"
    assert found[0].lowered_because


def test_quiet_on_other_questions() -> None:
    assert not drafts(zone_transfers, dns(q(ZONE, 255), q(ZONE, 6), r(ZONE, 6)))


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    records = [wire.a(f"h{n}.example.com", f"192.0.2.{n}") for n in range(4)]
    path = wire.write(
        tmp_path / "axfr.pcap",
        [
            ask(0, 1, ZONE, 252),
            tell(0.1, 1, ZONE, records, 252),
            ask(1, 2, ZONE, 6),
            tell(1.1, 2, ZONE, kind=6),
            ask(2, 3, ZONE, 252, client="10.0.0.6"),
            tell(2.1, 3, ZONE, kind=252, rcode=5, client="10.0.0.6"),
        ],
    )
    found = drafts(zone_transfers, loaded(path).tables)
    assert [list(d.frames) for d in found] == [[1, 2], [5, 6]]
    assert all(wire.exact(path, d) for d in found)
