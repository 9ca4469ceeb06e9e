"""Indicators for other tools: CSV for spreadsheets and look-ups, STIX 2.1 for threat intelligence platforms."""

from __future__ import annotations

import contextlib
import csv
import io
import uuid

from tshark_report.errors import RenderFailed
from tshark_report.report import escape, formats
from tshark_report.report.model import Finding, Indicator, Report

COLUMNS = ("type", "value", "defanged", "finding", "code", "title", "priority", "confidence", "note", "capture_sha256")

_NAMESPACE = uuid.UUID("6d1d0f9e-5b1c-4f0e-9a43-0f6a2c3f4711")
"""Of our own: the same capture and indicator get the same STIX id in every run."""
_CONFIDENCE = {"high": 85, "medium": 50, "low": 15}
"""STIX's own scale for the three words (appendix A: none, low, med, high)."""


def to_csv(report: Report) -> str:
    """One row for each indicator, with the finding it comes from.

    Values stand raw, so that they can be looked up, but for control characters, and for a first character by
    which a spreadsheet would take them for a formula: those get an apostrophe before them.
    """
    findings = {finding.id: finding for finding in report.findings}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in report.indicators:
        finding = findings.get(one.finding)
        row = (
            one.type,
            one.value,
            one.defanged or formats.defang(one.value),
            one.finding,
            finding.code if finding else "",
            finding.title if finding else "",
            finding.priority if finding else "",
            finding.confidence if finding else "",
            one.note,
            report.capture.sha256,
        )
        writer.writerow([escape.csv_cell(cell) for cell in row])
    return out.getvalue()


def to_stix(report: Report) -> str:
    """A STIX 2.1 bundle: an indicator with a pattern for each, and who made it.

    JA3 fingerprints are left out, as the standard has no pattern for them; so is a value that is not what its
    type says.

    Raises:
        RenderFailed: the optional stix2 library is not installed.
    """
    try:
        import stix2
    except ImportError as error:
        raise RenderFailed(
            "STIX needs the stix2 library",
            detail=str(error),
            causes=("it is an optional part",),
            next_step="pipx inject tshark-report stix2, or pip install 'tshark-report[stix]'",
        ) from error
    findings = {finding.id: finding for finding in report.findings}
    author = stix2.Identity(
        id=f"identity--{_id('identity', report.ticket.organisation or report.tool.name)}",
        name=escape.visible(report.ticket.organisation or report.tool.name),
        identity_class="organization" if report.ticket.organisation else "system",
        created=report.generated,
        modified=report.generated,
    )
    objects = [author]
    for one in report.indicators:
        pattern = _pattern(one)
        # A value from the wire need not be what its type says, and the library refuses what is not.
        with contextlib.suppress(stix2.exceptions.STIXError):
            if pattern:
                objects.append(_indicator(stix2, report, one, findings.get(one.finding), pattern, author.id))
    bundle = stix2.Bundle(objects, id=f"bundle--{_id('bundle', report.capture.sha256 + report.generated)}")
    return str(bundle.serialize(pretty=True)) + "\n"


def _indicator(
    stix2: object, report: Report, one: Indicator, finding: Finding | None, pattern: str, author: str
) -> object:
    made = getattr(stix2, "Indicator")  # noqa: B009  (the library has no types)
    return made(
        id=f"indicator--{_id('indicator', report.capture.sha256 + pattern + one.finding)}",
        created_by_ref=author,
        created=report.generated,
        modified=report.generated,
        name=escape.visible(escape.clipped(one.value, 200)),
        description=escape.visible(f"{finding.code} {finding.title}: {finding.summary}" if finding else one.note),
        indicator_types=["anomalous-activity"],
        pattern=pattern,
        pattern_type="stix",
        valid_from=(finding.first_time if finding else None) or report.generated,
        confidence=_CONFIDENCE[finding.confidence] if finding else _CONFIDENCE["low"],
        labels=[finding.code] if finding else [],
        # The finding that it comes from, by the id that report.json has.
        external_references=[_reference(report, finding)] if finding else [],
        allow_custom=False,
    )


def _reference(report: Report, finding: Finding) -> dict[str, str]:
    title = escape.visible(escape.clipped(finding.title, 200))
    return {"source_name": report.tool.name, "external_id": finding.id, "description": title}


def _pattern(one: Indicator) -> str:
    value = escape.visible(one.value).replace("\\", "\\\\").replace("'", "\\'")
    match one.type:
        case "ipv4":
            return f"[ipv4-addr:value = '{value}']"
        case "ipv6":
            return f"[ipv6-addr:value = '{value}']"
        case "domain":
            return f"[domain-name:value = '{value}']"
        case "url":
            return f"[url:value = '{value}']"
        case "email":
            return f"[email-addr:value = '{value}']"
        case "mac":
            return f"[mac-addr:value = '{value.lower()}']"
        case "sha256":
            return f"[file:hashes.'SHA-256' = '{value.lower()}']"
        case "user-agent":
            return f"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = '{value}']"
        case "certificate":
            return f"[x509-certificate:hashes.'SHA-256' = '{value.lower()}']"
        case "ja3":
            return ""


def _id(kind: str, name: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{kind} {escape.visible(name)}")
