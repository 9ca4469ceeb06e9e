"""Delivery: what was downloaded, what is it really, and what changed afterwards."""

from __future__ import annotations

from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = ()
