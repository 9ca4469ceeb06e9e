"""Check-ins and going out: regular contact, odd TLS, odd ports, upload volume."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.checkins.regular_connections import regular_connections
from tshark_report.rules.checkins.regular_lookups import regular_lookups
from tshark_report.rules.checkins.regular_messages import regular_messages
from tshark_report.rules.checkins.regular_requests import regular_requests

from tshark_report.rules.checkins.repeated_failures import repeated_failures

RULES: tuple[Rule, ...] = (regular_messages, regular_requests, regular_connections, repeated_failures, regular_lookups)
