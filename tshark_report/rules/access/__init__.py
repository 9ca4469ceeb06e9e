"""Credentials, lateral movement and attacks on services."""

from __future__ import annotations

from tshark_report.rules.access.cleartext_logins import cleartext_logins
from tshark_report.rules.access.refused_kerberos_logins import refused_kerberos_logins
from tshark_report.rules.access.refused_logins import refused_logins
from tshark_report.rules.access.refused_smb_logins import refused_smb_logins
from tshark_report.rules.access.refused_web_logins import refused_web_logins
from tshark_report.rules.access.repeated_desktop_sessions import repeated_desktop_sessions
from tshark_report.rules.access.repeated_ssh_sessions import repeated_ssh_sessions
from tshark_report.rules.access.snmp_communities import snmp_communities
from tshark_report.rules.access.weak_ticket_requests import weak_ticket_requests
from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = (
    cleartext_logins,
    refused_logins,
    repeated_ssh_sessions,
    refused_web_logins,
    refused_smb_logins,
    refused_kerberos_logins,
    weak_ticket_requests,
    repeated_desktop_sessions,
    snmp_communities,
)
