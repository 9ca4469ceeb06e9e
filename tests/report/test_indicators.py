"""Indicators as CSV and STIX."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.report import sample
from tshark_report.report import indicators


def test_csv_has_a_row_for_each_with_its_finding() -> None:
    rows = list(csv.DictReader(io.StringIO(indicators.to_csv(sample.incident()))))
    assert [row["value"] for row in rows][:2] == [sample.DROP, sample.HOME]
    assert rows[0]["code"] == "HTT001"
    assert rows[0]["defanged"] == "203[.]0[.]113[.]66"
    assert rows[0]["capture_sha256"] == sample.HASH


def test_csv_holds_no_formula_and_no_control_character() -> None:
    text = indicators.to_csv(sample.hostile())
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert "\x1b" not in text


def test_stix_is_valid_and_stable() -> None:
    stix2 = pytest.importorskip("stix2", reason="the optional stix2 library is not installed")
    text = indicators.to_stix(sample.incident())
    bundle = stix2.parse(text)
    assert [one.type for one in bundle.objects] == ["identity"] + ["indicator"] * 5
    assert bundle.objects[1].pattern == f"[ipv4-addr:value = '{sample.DROP}']"
    assert text == indicators.to_stix(sample.incident())
    findings = {one.id: one.code for one in sample.incident().findings}
    for one in bundle.objects[1:]:
        assert [findings[one.external_references[0].external_id]] == one.labels


def test_stix_survives_hostile_values() -> None:
    pytest.importorskip("stix2", reason="the optional stix2 library is not installed")
    assert json.loads(indicators.to_stix(sample.hostile()))["type"] == "bundle"
