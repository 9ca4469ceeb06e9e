"""Credentials, lateral movement and attacks on services."""

from __future__ import annotations

from tshark_report.rules.access.account_listing import account_listing
from tshark_report.rules.access.admin_shares import admin_shares
from tshark_report.rules.access.appended_extensions import appended_extensions
from tshark_report.rules.access.cleartext_logins import cleartext_logins
from tshark_report.rules.access.directory_replication import directory_replication
from tshark_report.rules.access.executables_over_smb import executables_over_smb
from tshark_report.rules.access.heartbeat_overreads import heartbeat_overreads
from tshark_report.rules.access.jndi_lookups import jndi_lookups
from tshark_report.rules.access.machine_account_logins import machine_account_logins
from tshark_report.rules.access.name_answers import name_answers
from tshark_report.rules.access.rare_rpc_calls import rare_rpc_calls
from tshark_report.rules.access.refused_kerberos_logins import refused_kerberos_logins
from tshark_report.rules.access.refused_logins import refused_logins
from tshark_report.rules.access.refused_sip_requests import refused_sip_requests
from tshark_report.rules.access.refused_smb_logins import refused_smb_logins
from tshark_report.rules.access.refused_ssh_tries import refused_ssh_tries
from tshark_report.rules.access.refused_web_logins import refused_web_logins
from tshark_report.rules.access.remote_execution import remote_execution
from tshark_report.rules.access.repeated_desktop_sessions import repeated_desktop_sessions
from tshark_report.rules.access.repeated_ssh_sessions import repeated_ssh_sessions
from tshark_report.rules.access.shell_commands import shell_commands
from tshark_report.rules.access.smb1_in_use import smb1_in_use
from tshark_report.rules.access.smb1_transactions import smb1_transactions
from tshark_report.rules.access.snmp_communities import snmp_communities
from tshark_report.rules.access.tickets_without_preauthentication import tickets_without_preauthentication
from tshark_report.rules.access.weak_ticket_requests import weak_ticket_requests
from tshark_report.rules.access.web_attack_requests import web_attack_requests
from tshark_report.rules.access.web_scans import web_scans
from tshark_report.rules.access.web_shell_calls import web_shell_calls
from tshark_report.rules.base import Rule

RULES: tuple[Rule, ...] = (
    smb1_transactions,
    rare_rpc_calls,
    shell_commands,
    heartbeat_overreads,
    jndi_lookups,
    web_shell_calls,
    executables_over_smb,
    remote_execution,
    directory_replication,
    machine_account_logins,
    weak_ticket_requests,
    tickets_without_preauthentication,
    refused_logins,
    repeated_ssh_sessions,
    refused_ssh_tries,
    refused_smb_logins,
    refused_kerberos_logins,
    refused_web_logins,
    refused_sip_requests,
    repeated_desktop_sessions,
    web_attack_requests,
    name_answers,
    web_scans,
    appended_extensions,
    admin_shares,
    cleartext_logins,
    account_listing,
    snmp_communities,
    smb1_in_use,
)
