"""DEL010: documents and archives, for context only."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders as b
from tests.conftest import case_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.document_download import document_download

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
LED = {"referer": "http://www.vendor.example/"}


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        ({"uri": "/malware/a.ppt", "body": OLE} | LED, "info"),
        ({"uri": "/a.pdf", "body": b"%PDF-1.5"} | LED, "info"),
        ({"uri": "/a.zip", "body": wire.archive(a__txt=b"x")} | LED, "info"),
        ({"uri": "/a.ppt", "body": OLE, "host": wire.OUTSIDE}, "low"),
        ({"uri": "/a.ppt", "body": OLE, "host": wire.SERVER, "server": wire.SERVER}, "info"),
        ({"uri": "/a.zip", "body": wire.archive(a__txt=b"x"), "agent": "VendorUpdater/5.1"}, ""),
        ({"uri": "/a.gz", "body": b"\x1f\x8b\x08" + bytes(90)}, ""),
        ({"uri": "/a.zip", "body": wire.archive(a__js=b"x")}, ""),
        ({"uri": "/a.html", "body": wire.PAGE}, ""),
        ({"uri": "/a.exe", "body": wire.pe()}, ""),
    ],
)
def test_context_and_look_alikes(columns: dict[str, Any], priority: str) -> None:
    assert wire.graded(document_download, **columns) == priority


def test_one_finding_for_a_client() -> None:
    found = b.drafts(
        document_download,
        wire.downloads(*({"uri": f"/{n}.ppt", "body": OLE, "server": f"203.0.113.{n + 1}"} for n in range(6))),
    )
    assert len(found) == 1
    assert found[0].summary.startswith("6 documents or archives passed to or from 10.0.0.5")
    assert "and 2 more" in found[0].summary


def test_a_bare_address_is_named() -> None:
    found = b.drafts(document_download, wire.download(uri="/a.ppt", body=OLE, host=wire.OUTSIDE))
    assert "With a bare address: 203.0.113.9." in found[0].summary


@pytest.mark.shared
def test_a_path_that_says_malware_is_no_alarm(loaded) -> None:
    found = wire.exact(document_download, loaded, case_capture("sv_syn_retransmit"))
    assert [d.priority for d in found] == ["info"]
    assert "51f14eb6c874686e5f593132cf0f742d.ppt (old Office document (OLE))" in found[0].summary
