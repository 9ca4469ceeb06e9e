"""What a PDF carries along: the report as data, the indicators, and the packets behind the starting points."""

from __future__ import annotations

from tshark_report.report import as_json, indicators
from tshark_report.report.as_pdf import Attachment
from tshark_report.report.model import Report


def attachments(report: Report, evidence: bytes) -> list[Attachment]:
    """The files to put into the PDF of `report`; `evidence` is a pcapng, empty where there is none."""
    data = as_json.render(report)
    files = [Attachment(name="report.json", mime="application/json", data=data, description="The report as data")]
    if report.indicators:
        table = indicators.to_csv(report).encode()
        files.append(Attachment(name="indicators.csv", mime="text/csv", data=table, description="Indicators"))
    if evidence:
        words = "Packets behind the starting points, with comments naming the finding"
        files.append(
            Attachment(name="evidence.pcapng", mime="application/vnd.tcpdump.pcap", data=evidence, description=words)
        )
    return files
