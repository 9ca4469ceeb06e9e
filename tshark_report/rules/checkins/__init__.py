"""Check-ins and going out: regular contact, odd TLS, odd ports, upload volume."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.checkins.regular_connections import regular_connections
from tshark_report.rules.checkins.clear_text_messages import clear_text_messages
from tshark_report.rules.checkins.odd_certificates import odd_certificates
from tshark_report.rules.checkins.tls_on_odd_ports import tls_on_odd_ports
from tshark_report.rules.checkins.regular_lookups import regular_lookups
from tshark_report.rules.checkins.regular_messages import regular_messages
from tshark_report.rules.checkins.regular_requests import regular_requests

from tshark_report.rules.checkins.repeated_failures import repeated_failures

RULES: tuple[Rule, ...] = (regular_messages, regular_requests, odd_certificates, regular_connections, clear_text_messages, tls_on_odd_ports, repeated_failures, regular_lookups)
