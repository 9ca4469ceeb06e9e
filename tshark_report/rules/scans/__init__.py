"""Scans, floods and header fields."""

from __future__ import annotations

from tshark_report.rules.base import Rule
from tshark_report.rules.scans.address_conflict import address_conflict
from tshark_report.rules.scans.amplified_answers import amplified_answers
from tshark_report.rules.scans.arp_scan import arp_scan
from tshark_report.rules.scans.arp_spoofing import arp_spoofing
from tshark_report.rules.scans.backscatter import backscatter
from tshark_report.rules.scans.broadcast_storm import broadcast_storm
from tshark_report.rules.scans.busy_port import busy_port
from tshark_report.rules.scans.connection_flood import connection_flood
from tshark_report.rules.scans.constant_ip_id import constant_ip_id
from tshark_report.rules.scans.constant_sequence_number import constant_sequence_number
from tshark_report.rules.scans.constant_source_port import constant_source_port
from tshark_report.rules.scans.deauthentication_flood import deauthentication_flood
from tshark_report.rules.scans.dhcp_starvation import dhcp_starvation
from tshark_report.rules.scans.flag_probes import flag_probes
from tshark_report.rules.scans.ftp_bounce import ftp_bounce
from tshark_report.rules.scans.gateway_takeovers import gateway_takeovers
from tshark_report.rules.scans.gratuitous_arp_flood import gratuitous_arp_flood
from tshark_report.rules.scans.horizontal_port_scan import horizontal_port_scan
from tshark_report.rules.scans.icmp_sweep import icmp_sweep
from tshark_report.rules.scans.injected_resets import injected_resets
from tshark_report.rules.scans.ip_protocol_scan import ip_protocol_scan
from tshark_report.rules.scans.land_packets import land_packets
from tshark_report.rules.scans.mac_flood import mac_flood
from tshark_report.rules.scans.neighbour_spoofing import neighbour_spoofing
from tshark_report.rules.scans.neighbour_sweep import neighbour_sweep
from tshark_report.rules.scans.odd_fragments import odd_fragments
from tshark_report.rules.scans.packet_flood import packet_flood
from tshark_report.rules.scans.reserved_bits import reserved_bits
from tshark_report.rules.scans.router_advertisements import router_advertisements
from tshark_report.rules.scans.second_dhcp_server import second_dhcp_server
from tshark_report.rules.scans.shared_port_scan import shared_port_scan
from tshark_report.rules.scans.syn_flood import syn_flood
from tshark_report.rules.scans.udp_port_scan import udp_port_scan
from tshark_report.rules.scans.unasked_echo_replies import unasked_echo_replies
from tshark_report.rules.scans.varying_ttl import varying_ttl
from tshark_report.rules.scans.vertical_port_scan import vertical_port_scan

RULES: tuple[Rule, ...] = (
    arp_spoofing,
    neighbour_spoofing,
    syn_flood,
    amplified_answers,
    packet_flood,
    unasked_echo_replies,
    connection_flood,
    gateway_takeovers,
    deauthentication_flood,
    broadcast_storm,
    mac_flood,
    dhcp_starvation,
    second_dhcp_server,
    router_advertisements,
    horizontal_port_scan,
    vertical_port_scan,
    shared_port_scan,
    arp_scan,
    neighbour_sweep,
    icmp_sweep,
    udp_port_scan,
    flag_probes,
    ip_protocol_scan,
    ftp_bounce,
    backscatter,
    injected_resets,
    odd_fragments,
    land_packets,
    gratuitous_arp_flood,
    address_conflict,
    constant_sequence_number,
    constant_source_port,
    constant_ip_id,
    varying_ttl,
    reserved_bits,
    busy_port,
)
