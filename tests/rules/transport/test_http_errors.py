"""APP001: web servers that fail; quiet on a missing page and on login challenges."""

from __future__ import annotations

from tests.builders import drafts, family, tables
from tshark_report.rules.transport.http_errors import http_errors
from tshark_report.tables.tables import Tables


def answers(*statuses: int) -> Tables:
    rows = []
    for n, status in enumerate(statuses):
        rows.append({"frame": 2 * n + 1, "method": "GET", "uri": f"/page{n}", "protocol": "HTTP"})
        rows.append(
            {
                "frame": 2 * n + 2,
                "status": status,
                "src": "10.0.0.80",
                "dst": "10.0.0.5",
                "request_frame": 2 * n + 1,
                "protocol": "HTTP",
            }
        )
    return tables(http=family("http", *rows))


def test_fires_at_three_errors() -> None:
    found = drafts(http_errors, answers(500, 502, 500))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.80 5xx", "medium")]
    assert "2 with 500 and 1 with 502" in found[0].summary
    assert "/page0, /page1 and /page2" in found[0].summary
    assert list(found[0].frames) == [2, 4, 6]
    assert not drafts(http_errors, answers(500, 502))


def test_low_for_a_small_share_and_info_for_4xx() -> None:
    assert drafts(http_errors, answers(*[500] * 3, *[200] * 12))[0].priority == "medium"
    assert drafts(http_errors, answers(*[500] * 3, *[200] * 13))[0].priority == "low"
    assert drafts(http_errors, answers(404, 404, 404))[0].priority == "info"


def test_quiet_on_challenges_and_ssdp() -> None:
    assert not drafts(http_errors, answers(401, 401, 401, 407, 407))
    row = {"status": 500, "protocol": "SSDP"}
    assert not drafts(http_errors, tables(http=family("http", row, row, row)))
