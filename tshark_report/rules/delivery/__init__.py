"""Delivery: what was downloaded, what is it really, and what changed afterwards."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.delivery.attached_program import attached_program
from tshark_report.rules.delivery.change_after_download import change_after_download
from tshark_report.rules.delivery.code_download import code_download
from tshark_report.rules.delivery.coded_executable import coded_executable
from tshark_report.rules.delivery.disguised_executable import disguised_executable
from tshark_report.rules.delivery.document_download import document_download
from tshark_report.rules.delivery.download_chain import download_chain
from tshark_report.rules.delivery.executable_download import executable_download
from tshark_report.rules.delivery.executable_in_stream import executable_in_stream
from tshark_report.rules.delivery.stage_download import stage_download
from tshark_report.rules.delivery.unreadable_answer import unreadable_answer

RULES: tuple[Rule, ...] = (
    disguised_executable,
    executable_in_stream,
    executable_download,
    code_download,
    coded_executable,
    download_chain,
    change_after_download,
    attached_program,
    stage_download,
    unreadable_answer,
    document_download,
)
