"""Application or transport: loss, windows, delay, resets, silence."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.transport.broken_connections import broken_connections
from tshark_report.rules.transport.deauthentication_bursts import deauthentication_bursts
from tshark_report.rules.transport.doubled_packets import doubled_packets
from tshark_report.rules.transport.exceeded_ttl import exceeded_ttl
from tshark_report.rules.transport.failed_wlan_logins import failed_wlan_logins
from tshark_report.rules.transport.ftp_errors import ftp_errors
from tshark_report.rules.transport.full_windows import full_windows
from tshark_report.rules.transport.grown_round_trips import grown_round_trips
from tshark_report.rules.transport.half_open_connections import half_open_connections
from tshark_report.rules.transport.http_errors import http_errors
from tshark_report.rules.transport.kerberos_errors import kerberos_errors
from tshark_report.rules.transport.late_greetings import late_greetings
from tshark_report.rules.transport.late_handshakes import late_handshakes
from tshark_report.rules.transport.long_round_trips import long_round_trips
from tshark_report.rules.transport.lossy_calls import lossy_calls
from tshark_report.rules.transport.lost_large_segments import lost_large_segments
from tshark_report.rules.transport.mail_errors import mail_errors
from tshark_report.rules.transport.malformed_packets import malformed_packets
from tshark_report.rules.transport.missing_packets import missing_packets
from tshark_report.rules.transport.redirects import redirects
from tshark_report.rules.transport.refused_connections import refused_connections
from tshark_report.rules.transport.refused_leases import refused_leases
from tshark_report.rules.transport.reordered_packets import reordered_packets
from tshark_report.rules.transport.repeated_wlan_frames import repeated_wlan_frames
from tshark_report.rules.transport.resent_segments import resent_segments
from tshark_report.rules.transport.sip_errors import sip_errors
from tshark_report.rules.transport.slow_answers import slow_answers
from tshark_report.rules.transport.slow_questions import slow_questions
from tshark_report.rules.transport.smaller_path_mtu import smaller_path_mtu
from tshark_report.rules.transport.smb_errors import smb_errors
from tshark_report.rules.transport.tls_alerts import tls_alerts
from tshark_report.rules.transport.unacknowledged_data import unacknowledged_data
from tshark_report.rules.transport.unanswered_arp import unanswered_arp
from tshark_report.rules.transport.unanswered_connections import unanswered_connections
from tshark_report.rules.transport.unanswered_datagrams import unanswered_datagrams
from tshark_report.rules.transport.unanswered_dhcp import unanswered_dhcp
from tshark_report.rules.transport.unreachable_destinations import unreachable_destinations
from tshark_report.rules.transport.unrepaired_gaps import unrepaired_gaps
from tshark_report.rules.transport.zero_windows import zero_windows

RULES: tuple[Rule, ...] = (
    slow_answers,
    late_greetings,
    unacknowledged_data,
    late_handshakes,
    resent_segments,
    unanswered_connections,
    unrepaired_gaps,
    lost_large_segments,
    lossy_calls,
    zero_windows,
    grown_round_trips,
    deauthentication_bursts,
    failed_wlan_logins,
    repeated_wlan_frames,
    unanswered_arp,
    unanswered_dhcp,
    refused_leases,
    unanswered_datagrams,
    exceeded_ttl,
    redirects,
    broken_connections,
    refused_connections,
    full_windows,
    unreachable_destinations,
    half_open_connections,
    smaller_path_mtu,
    doubled_packets,
    long_round_trips,
    http_errors,
    mail_errors,
    tls_alerts,
    ftp_errors,
    sip_errors,
    smb_errors,
    kerberos_errors,
    slow_questions,
    malformed_packets,
    reordered_packets,
    missing_packets,
)
