"""Check-ins and going out: regular contact, odd TLS, odd ports, upload volume."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.checkins.address_lookups import address_lookups
from tshark_report.rules.checkins.bare_address_posts import bare_address_posts
from tshark_report.rules.checkins.clear_text_messages import clear_text_messages
from tshark_report.rules.checkins.clear_text_on_tls_ports import clear_text_on_tls_ports
from tshark_report.rules.checkins.direct_mail import direct_mail
from tshark_report.rules.checkins.dynamic_names import dynamic_names
from tshark_report.rules.checkins.file_uploads import file_uploads
from tshark_report.rules.checkins.http_on_odd_ports import http_on_odd_ports
from tshark_report.rules.checkins.irc_sessions import irc_sessions
from tshark_report.rules.checkins.leaked_names import leaked_names
from tshark_report.rules.checkins.mail_uploads import mail_uploads
from tshark_report.rules.checkins.nameless_tls import nameless_tls
from tshark_report.rules.checkins.odd_certificates import odd_certificates
from tshark_report.rules.checkins.protocols_on_odd_ports import protocols_on_odd_ports
from tshark_report.rules.checkins.regular_connections import regular_connections
from tshark_report.rules.checkins.regular_lookups import regular_lookups
from tshark_report.rules.checkins.regular_messages import regular_messages
from tshark_report.rules.checkins.regular_requests import regular_requests
from tshark_report.rules.checkins.repeated_failures import repeated_failures
from tshark_report.rules.checkins.repeated_paths import repeated_paths
from tshark_report.rules.checkins.tls_on_odd_ports import tls_on_odd_ports
from tshark_report.rules.checkins.upload_volume import upload_volume

RULES: tuple[Rule, ...] = (
    regular_messages,
    regular_requests,
    file_uploads,
    mail_uploads,
    odd_certificates,
    regular_connections,
    bare_address_posts,
    repeated_paths,
    irc_sessions,
    clear_text_messages,
    leaked_names,
    upload_volume,
    direct_mail,
    tls_on_odd_ports,
    clear_text_on_tls_ports,
    repeated_failures,
    dynamic_names,
    http_on_odd_ports,
    nameless_tls,
    protocols_on_odd_ports,
    regular_lookups,
    address_lookups,
)
