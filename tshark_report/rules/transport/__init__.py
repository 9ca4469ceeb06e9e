"""Application or transport: loss, windows, delay, resets, silence."""

from __future__ import annotations

from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = ()
