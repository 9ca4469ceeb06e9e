"""Credentials, lateral movement and attacks on services."""

from __future__ import annotations

from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = ()
