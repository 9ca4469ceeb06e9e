"""Scans, floods and header fields."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.scans.amplified_answers import amplified_answers
from tshark_report.rules.scans.ftp_bounce import ftp_bounce
from tshark_report.rules.scans.injected_resets import injected_resets
from tshark_report.rules.scans.odd_fragments import odd_fragments
from tshark_report.rules.scans.ip_protocol_scan import ip_protocol_scan
from tshark_report.rules.scans.packet_flood import packet_flood
from tshark_report.rules.scans.arp_scan import arp_scan
from tshark_report.rules.scans.backscatter import backscatter
from tshark_report.rules.scans.flag_probes import flag_probes
from tshark_report.rules.scans.horizontal_port_scan import horizontal_port_scan
from tshark_report.rules.scans.icmp_sweep import icmp_sweep
from tshark_report.rules.scans.syn_flood import syn_flood
from tshark_report.rules.scans.udp_port_scan import udp_port_scan
from tshark_report.rules.scans.vertical_port_scan import vertical_port_scan

RULES: tuple[Rule, ...] = (
    syn_flood, amplified_answers, packet_flood, horizontal_port_scan, vertical_port_scan, arp_scan, icmp_sweep, udp_port_scan,
    backscatter, flag_probes, ip_protocol_scan, ftp_bounce, injected_resets, odd_fragments,
)  # fmt: skip
