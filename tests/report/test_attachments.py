"""What a PDF carries along."""

from __future__ import annotations

import json

import msgspec

from tests.report.sample import incident
from tshark_report.report.attachments import attachments


def test_the_report_as_data_and_what_there_is_besides() -> None:
    report = incident()
    files = {one.name: one for one in attachments(report, b"packets")}
    assert json.loads(files["report.json"].data)["schema_version"] == report.schema_version
    assert files["evidence.pcapng"].data == b"packets"
    assert ("indicators.csv" in files) == bool(report.indicators)


def test_nothing_empty_is_attached() -> None:
    report = msgspec.structs.replace(incident(), indicators=[])
    assert [one.name for one in attachments(report, b"")] == ["report.json"]
