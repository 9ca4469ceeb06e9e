"""Names: DNS answers, failures and tunnels, and tunnels in ICMP."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.names.changing_addresses import changing_addresses
from tshark_report.rules.names.command_answers import command_answers
from tshark_report.rules.names.conflicting_answers import conflicting_answers
from tshark_report.rules.names.dns_tunnel import dns_tunnel
from tshark_report.rules.names.encapsulated_traffic import encapsulated_traffic
from tshark_report.rules.names.encrypted_dns import encrypted_dns
from tshark_report.rules.names.encrypted_tunnels import encrypted_tunnels
from tshark_report.rules.names.foreign_port_53 import foreign_port_53
from tshark_report.rules.names.generated_names import generated_names
from tshark_report.rules.names.icmp_tunnel import icmp_tunnel
from tshark_report.rules.names.name_guessing import name_guessing
from tshark_report.rules.names.odd_port_dns import odd_port_dns
from tshark_report.rules.names.outside_resolvers import outside_resolvers
from tshark_report.rules.names.private_answers import private_answers
from tshark_report.rules.names.resolver_errors import resolver_errors
from tshark_report.rules.names.reverse_sweeps import reverse_sweeps
from tshark_report.rules.names.search_list_misses import search_list_misses
from tshark_report.rules.names.short_lived_names import short_lived_names
from tshark_report.rules.names.slow_resolvers import slow_resolvers
from tshark_report.rules.names.unanswered_queries import unanswered_queries
from tshark_report.rules.names.zone_transfers import zone_transfers

RULES: tuple[Rule, ...] = (
    dns_tunnel,
    icmp_tunnel,
    conflicting_answers,
    command_answers,
    foreign_port_53,
    generated_names,
    changing_addresses,
    private_answers,
    zone_transfers,
    name_guessing,
    search_list_misses,
    reverse_sweeps,
    unanswered_queries,
    resolver_errors,
    slow_resolvers,
    odd_port_dns,
    outside_resolvers,
    encapsulated_traffic,
    short_lived_names,
    encrypted_dns,
    encrypted_tunnels,
)
