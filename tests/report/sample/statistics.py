"""Conversations, endpoints and traffic."""

# ruff: noqa: E501  (rows of data and sentences of prose, one a line)

from __future__ import annotations

import random
from typing import Any

from tests.report.sample.basics import DC, DROP, GATEWAY, HOME, PC, PRINTER, RESOLVER, SHOP, at
from tshark_report.report import model as m


def conversation(
    protocol: Any,
    a: str,
    pa: int | None,
    b: str,
    pb: int | None,
    packets: int,
    size: int,
    start: float,
    seconds: float,
    share: float = 0.3,
) -> m.Conversation:
    out, sent = int(packets * 0.5), int(size * share)
    return m.Conversation(
        protocol=protocol,
        address_a=a,
        port_a=pa,
        address_b=b,
        port_b=pb,
        stream=1,
        packets=packets,
        bytes=size,
        packets_a_to_b=out,
        bytes_a_to_b=sent,
        packets_b_to_a=packets - out,
        bytes_b_to_a=size - sent,
        first_time=at(start),
        duration_s=seconds,
        first_frame=int(start) + 1,
        display_filter="tcp.stream == 1",
    )


def endpoint(protocol: Any, address: str, port: int | None, packets: int, size: int) -> m.Endpoint:
    return m.Endpoint(
        protocol=protocol,
        address=address,
        port=port,
        packets=packets,
        bytes=size,
        packets_sent=packets // 2,
        bytes_sent=size // 3,
        packets_received=packets - packets // 2,
        bytes_received=size - size // 3,
    )


PAIRS: list[tuple[str, str, int, int]] = [
    (PC, SHOP, 220, 184000),
    (PC, DROP, 388, 436000),
    (PC, HOME, 4600, 6402000),
    (PC, RESOLVER, 64, 7100),
    (PC, DC, 610, 240000),
    (PC, "198.51.100.80", 940, 880000),
    (PRINTER, RESOLVER, 92, 8200),
    ("10.1.2.7", RESOLVER, 40, 4100),
    ("10.1.2.7", "198.51.100.80", 1200, 1310000),
    ("10.1.2.8", DC, 420, 99000),
    ("10.1.2.8", "198.51.100.120", 300, 210000),
    (RESOLVER, "192.0.2.53", 188, 22000),
    (PRINTER, "239.255.255.250", 31, 9900),
    (GATEWAY, "224.0.0.251", 12, 1500),
    ("2001:db8:1::7", "2001:db8:ffff::80", 210, 140000),
]


def traffic() -> m.Traffic:
    rng = random.Random(4)
    buckets = 180
    web = [int(rng.random() ** 3 * 60000) for _ in range(buckets)]
    web[15] += 436000
    tls = [int(rng.random() ** 4 * 90000) + (620000 if 150 <= n <= 166 else 0) for n in range(buckets)]
    dns = [int(rng.random() * 900) for _ in range(buckets)]
    smb = [int(rng.random() * 20000) if n % 30 < 8 else 0 for n in range(buckets)]
    arp = [60 if n % 4 == 0 else 0 for n in range(buckets)]
    series = [("tls", tls), ("http", web), ("smb2", smb), ("dns", dns), ("arp", arp)]
    return m.Traffic(
        start=at(0),
        bucket_s=8.0,
        buckets=buckets,
        series=[
            m.TrafficSeries(protocol=name, packets=[value // 700 for value in values], bytes=values)
            for name, values in series
        ],
    )


def statistics() -> m.Statistics:
    ip = [
        conversation("ipv6" if ":" in a else "ipv4", a, None, b, None, p, size, 5 + n, 1200.0)
        for n, (a, b, p, size) in enumerate(PAIRS)
    ]
    tcp = [
        conversation("tcp", a, 49200 + n, b, 443 if n % 2 else 80, p, size, 5 + n, 33.4 * (n + 1))
        for n, (a, b, p, size) in enumerate(PAIRS[:9])
    ]
    udp = [
        conversation("udp", a, 53000 + n, RESOLVER, 53, 2, 210, 5 + n, 0.0123)
        for n, (a, _, _, _) in enumerate(PAIRS[:7])
    ]
    hierarchy = [
        ("eth", 0, 9315, 9812345),
        ("ip", 1, 9072, 9668000),
        ("tcp", 2, 8660, 9602000),
        ("tls", 3, 4700, 7300000),
        ("http", 3, 620, 1900000),
        ("image-gif", 4, 2, 412160),
        ("nbss", 3, 400, 320000),
        ("smb2", 4, 380, 310000),
        ("udp", 2, 400, 62000),
        ("dns", 3, 330, 41000),
        ("ssdp", 3, 31, 9900),
        ("icmp", 2, 12, 1176),
        ("ipv6", 1, 210, 140000),
        ("tcp", 2, 210, 140000),
        ("arp", 1, 33, 1980),
    ]
    return m.Statistics(
        protocol_hierarchy=[
            m.HierarchyRow(protocol=name, level=level, frames=frames, bytes=size)
            for name, level, frames, size in hierarchy
        ],
        conversations=[*ip, *tcp, *udp],
        conversation_totals=m.TotalRows(ipv4=14, ipv6=1, tcp=9, udp=7),
        endpoints=[
            *[endpoint("ipv4", a, None, p, size) for a, _, p, size in PAIRS],
            *[endpoint("tcp", a, 443, p, size) for a, _, p, size in PAIRS[:9]],
        ],
        endpoint_totals=m.TotalRows(ipv4=15, tcp=9),
        ports=[
            m.PortRow(
                protocol="tcp",
                port=443,
                service="https",
                known_uses="",
                conversations=5,
                clients=3,
                servers=3,
                packets=4700,
                bytes=7300000,
            ),
            m.PortRow(
                protocol="tcp",
                port=8080,
                service="http-alt",
                known_uses="proxies, application servers",
                conversations=14,
                clients=1,
                servers=1,
                packets=140,
                bytes=22000,
            ),
            m.PortRow(
                protocol="udp",
                port=53,
                service="domain",
                known_uses="",
                conversations=165,
                clients=4,
                servers=2,
                packets=330,
                bytes=41000,
            ),
        ],
        port_total=3,
        expert=[
            m.ExpertRow(
                severity="Warning",
                group="Sequence",
                protocol="TCP",
                summary="This frame is a (suspected) retransmission",
                count=12,
                first_frame=88,
            ),
            m.ExpertRow(
                severity="Note",
                group="Sequence",
                protocol="TCP",
                summary="Duplicate ACK (#1)",
                count=31,
                first_frame=90,
            ),
        ],
        traffic=traffic(),
        reconciled=True,
        reconciliation="Frames and bytes of all conversations and endpoints agree with tshark's own statistics.",
    )
