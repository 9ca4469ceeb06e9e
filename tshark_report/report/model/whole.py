"""The report as a whole, and its JSON Schema."""

from __future__ import annotations

import msgspec

from tshark_report.report.model.basics import Model
from tshark_report.report.model.capture import CaptureInfo, CarriedFile, Host
from tshark_report.report.model.findings import Check, Finding, Indicator, StartingPoint, Verdict
from tshark_report.report.model.focus import Focus
from tshark_report.report.model.health import DnsView, TransportHealth
from tshark_report.report.model.held_against import ExpectedView, NormalView
from tshark_report.report.model.statistics import ProtocolNote, Statistics

SCHEMA_VERSION = 1


class Ticket(Model, frozen=True, kw_only=True):
    """What the analyst wants printed on the report."""

    ticket: str = ""
    title: str = ""
    analyst: str = ""
    organisation: str = ""
    tlp: str = ""
    note: str = ""


class Tool(Model, frozen=True, kw_only=True):
    """What made the report."""

    name: str
    version: str
    tshark_version: str


class Command(Model, frozen=True, kw_only=True):
    """A command that was run for this report, ready to be run again."""

    purpose: str
    command: str


class Report(Model, frozen=True, kw_only=True):
    """Everything that a report shows."""

    schema_version: int
    tool: Tool
    generated: str
    ticket: Ticket
    capture: CaptureInfo
    verdict: Verdict
    overview: str
    """One paragraph: what was captured."""
    starting_points: list[StartingPoint]
    findings: list[Finding]
    checks: list[Check]
    limits: list[str]
    hosts: list[Host]
    hosts_total: int
    hosts_remark: str = ""
    """What could not be looked up about the hosts, and why."""
    files: list[CarriedFile]
    files_total: int
    protocols: list[ProtocolNote]
    transport: TransportHealth
    dns: DnsView
    statistics: Statistics
    indicators: list[Indicator]
    commands: list[Command]
    focus: Focus | None = None
    """What made the reader look; None where nothing was given."""
    normal: NormalView | None = None
    """The capture against a baseline; null where none was given."""
    expected: ExpectedView | None = None
    """The capture against what was expected; null where nothing was."""


def schema() -> dict[str, object]:
    """JSON Schema of a report."""
    return msgspec.json.schema(Report)
