"""Rules: one file, one question. `ALL` lists them in report order."""

from __future__ import annotations

from tshark_report.rules import access, checkins, delivery, names, scans, transport
from tshark_report.rules.base import Rule

ALL: tuple[Rule, ...] = (
    *delivery.RULES,
    *checkins.RULES,
    *names.RULES,
    *access.RULES,
    *scans.RULES,
    *transport.RULES,
)
