"""Credentials, lateral movement and attacks on services."""

from __future__ import annotations

from tshark_report.rules.access.cleartext_logins import cleartext_logins
from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = (cleartext_logins,)
