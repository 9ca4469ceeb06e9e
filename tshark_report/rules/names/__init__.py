"""Names: DNS answers, failures and tunnels, and tunnels in ICMP."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.names.changing_addresses import changing_addresses
from tshark_report.rules.names.conflicting_answers import conflicting_answers
from tshark_report.rules.names.dns_tunnel import dns_tunnel
from tshark_report.rules.names.encapsulated_traffic import encapsulated_traffic
from tshark_report.rules.names.generated_names import generated_names
from tshark_report.rules.names.icmp_tunnel import icmp_tunnel
from tshark_report.rules.names.name_guessing import name_guessing
from tshark_report.rules.names.slow_answers import slow_answers
from tshark_report.rules.names.unanswered_queries import unanswered_queries

RULES: tuple[Rule, ...] = (
    dns_tunnel,
    icmp_tunnel,
    conflicting_answers,
    generated_names,
    changing_addresses,
    name_guessing,
    unanswered_queries,
    slow_answers,
    encapsulated_traffic,
)
