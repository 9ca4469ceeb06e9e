"""Names: DNS answers, failures and tunnels, and tunnels in ICMP."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.names.changing_addresses import changing_addresses
from tshark_report.rules.names.dns_tunnel import dns_tunnel
from tshark_report.rules.names.encapsulated_traffic import encapsulated_traffic
from tshark_report.rules.names.icmp_tunnel import icmp_tunnel
from tshark_report.rules.names.unanswered_queries import unanswered_queries

RULES: tuple[Rule, ...] = (dns_tunnel, icmp_tunnel, changing_addresses, unanswered_queries, encapsulated_traffic)
