"""Check-ins and going out: regular contact, odd TLS, odd ports, upload volume."""

from __future__ import annotations

from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = ()
