"""DEL009: bytes declared as text that are none; quiet on text, on known types and on compressed pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests import builders as b
from tests.conftest import case_capture, fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.unreadable_answer import unreadable_answer

ODD = {"body": wire.noise(1000), "kind": "text/html", "uri": "/a"}
BARE = {"host": wire.OUTSIDE}


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        ({}, "low"),
        (BARE, "low"),
        (BARE | {"method": "POST"}, "medium"),
        (BARE | {"port": 7080}, "medium"),
        ({"method": "POST", "port": 7080}, "low"),
        ({"host": wire.SERVER, "server": wire.SERVER, "method": "POST"}, "low"),
        ({"body": wire.noise(999)}, ""),
        ({"kind": "application/octet-stream"}, ""),
        ({"body": wire.PAGE * 20}, ""),
        ({"body": wire.GIF * 9}, ""),
        ({"body": wire.xored(wire.pe(), b"key")}, ""),
        ({"body": "浏览器 和 文本 ".encode("gb18030") * 90}, ""),
    ],
)
def test_priority_and_look_alikes(columns: dict[str, Any], priority: str) -> None:
    assert wire.graded(unreadable_answer, **(ODD | columns)) == priority


def test_quiet_on_a_compressed_page() -> None:
    made = wire.download(**ODD, **BARE)
    http = made.http.with_columns(content_encoding=pl.when(pl.col("status").is_not_null()).then(pl.lit("br")))
    assert not b.drafts(unreadable_answer, b.tables(http=http, files=made.files, packets=made.packets))


def test_answers_of_one_server_are_one_finding() -> None:
    found = b.drafts(
        unreadable_answer, wire.downloads(*(ODD | BARE | {"method": "POST", "uri": f"/{n}"} for n in range(30)))
    )
    assert len(found) == 1
    assert "answered 30 requests of 10.0.0.5" in found[0].summary
    assert "30,000 bytes declared as text/html" in found[0].summary
    assert len(found[0].frames) == 50


def test_on_the_wire(loaded, tmp_path: Path) -> None:
    messages = []
    for place, body in enumerate((wire.noise(5000), wire.PAGE)):
        messages += [
            (0.1 + place, ">", wire.request("POST", "/a", wire.OUTSIDE, b"x=1")),
            (0.2 + place, "<", wire.answer(body, "text/html")),
        ]
    found = wire.exact(unreadable_answer, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, messages, port=80)))
    assert [d.priority for d in found] == ["medium"]
    assert found[0].display_filter == "tcp.stream == 0 && frame.number <= 8"


@pytest.mark.shared
def test_the_published_answer(loaded) -> None:
    found = wire.exact(unreadable_answer, loaded, case_capture("ndpi_trickbot"))
    assert [d.priority for d in found] == ["medium"]
    assert "82.118.225.196 port 7080 answered 1 request of 10.12.29.101" in found[0].summary


def test_quiet_on_ordinary_use(loaded) -> None:
    assert not b.drafts(unreadable_answer, loaded(fixture_capture("quiet_hour")).tables)
