"""Names: DNS answers, failures and tunnels, and tunnels in ICMP."""

from __future__ import annotations

from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = ()
