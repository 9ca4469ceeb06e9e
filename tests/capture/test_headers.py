"""Ports over which data crosses, read from the frames' own bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from tshark_report.capture import framing, ports, split


def _ports(folder: Path, *packets: Packet, rows: list[int] | None = None) -> frozenset[int]:
    path = folder / "made.pcap"
    wrpcap(str(path), list(packets), linktype=1)
    frames = framing.index(path)
    at = split.located(path, frames)
    assert at is not None
    chosen = np.arange(len(frames)) if rows is None else np.array(rows, dtype=np.int64)
    return ports.payload_ports(path, at, chosen)


HOSTS = IP(src="10.0.0.1", dst="10.0.0.2")
HOSTS6 = IPv6(src="2001:db8::1", dst="2001:db8::2")


@pytest.mark.parametrize(
    "packet",
    [
        Ether() / HOSTS / TCP(sport=50001, dport=445) / Raw(b"x"),
        Ether() / HOSTS / TCP(sport=50001, dport=445, options=[("Timestamp", (1, 2))] * 3) / Raw(b"x"),
        Ether() / Dot1Q(vlan=7) / HOSTS / UDP(sport=50001, dport=445) / Raw(b"x"),
        Ether() / HOSTS6 / TCP(sport=50001, dport=445) / Raw(b"x"),
        Ether() / HOSTS6 / UDP(sport=50001, dport=445) / DNS(),
    ],
)
def test_both_ports_of_a_packet_with_data(packet: Packet, tmp_path: Path) -> None:
    assert _ports(tmp_path, packet) == {50001, 445}


@pytest.mark.parametrize(
    "packet",
    [
        Ether() / HOSTS / TCP(sport=50001, dport=445, flags="S"),
        Ether() / HOSTS / TCP(sport=50001, dport=445, flags="R") / b"",
        # Padded to the least length of an Ethernet frame.
        Ether(bytes(Ether() / HOSTS / TCP(sport=50001, dport=445, flags="S")) + bytes(6)),
        Ether() / HOSTS6 / TCP(sport=50001, dport=445, options=[("MSS", 1460)]),
        Ether() / HOSTS / UDP(sport=50001, dport=445),
        Ether() / ARP(),
    ],
)
def test_no_port_where_there_is_no_data(packet: Packet, tmp_path: Path) -> None:
    assert _ports(tmp_path, packet) == frozenset()


def test_only_the_frames_that_are_meant(tmp_path: Path) -> None:
    packets = [Ether() / HOSTS / UDP(sport=5000 + n, dport=53) / Raw(b"x") for n in range(4)]
    assert _ports(tmp_path, *packets, rows=[1, 3]) == {5001, 5003, 53}


@pytest.mark.parametrize("length", range(14, 60))
def test_cut_frames_are_read_no_further_than_they_go(length: int, tmp_path: Path) -> None:
    whole = bytes(Ether() / HOSTS / TCP(sport=50001, dport=445) / Raw(b"x" * 10))
    assert _ports(tmp_path, Ether(whole[:length])) <= {50001, 445}
