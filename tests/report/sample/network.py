"""Transport, hosts, and the checks that were made."""

# ruff: noqa: E501  (rows of data and sentences of prose, one a line)

from __future__ import annotations

from typing import Any

from tests.report.sample.basics import DC, DROP, HOME, PC, PRINTER, SHOP, at
from tests.report.sample.findings import findings
from tshark_report.report import model as m


def transport() -> m.TransportHealth:
    return m.TransportHealth(
        sentence="The wire is healthy: 12 of 8,660 TCP segments were sent again (0.14 %), no window closed, and servers answer in 12 ms at the median.",
        tcp_packets=8660,
        tcp_sessions=61,
        complete_handshakes=59,
        unanswered_syns=1,
        refused=1,
        retransmissions=12,
        retransmission_percent=0.14,
        duplicate_acks=31,
        zero_windows=0,
        out_of_order=2,
        resets=3,
        paths=[
            m.PathTiming(
                client=PC,
                server=HOME,
                port=8080,
                sessions=14,
                rtt_s=0.0412,
                rtt_client_s=0.0006,
                rtt_server_s=0.0406,
                server_think_s=0.0031,
                server_think_max_s=0.0122,
                client_think_s=60.0,
                retransmissions=0,
                zero_windows=0,
                resets=0,
                packets=140,
            ),
            m.PathTiming(
                client=PC,
                server=DC,
                port=445,
                sessions=4,
                rtt_s=0.0005,
                rtt_client_s=0.0002,
                rtt_server_s=0.0003,
                server_think_s=0.0119,
                server_think_max_s=0.2,
                client_think_s=1.0,
                retransmissions=0,
                zero_windows=0,
                resets=1,
                packets=610,
            ),
            m.PathTiming(
                client="10.1.2.7",
                server="198.51.100.80",
                port=443,
                sessions=9,
                rtt_s=0.021,
                rtt_client_s=0.0004,
                rtt_server_s=0.0206,
                server_think_s=0.048,
                server_think_max_s=0.41,
                client_think_s=0.2,
                retransmissions=12,
                zero_windows=0,
                resets=2,
                packets=1200,
            ),
        ],
        paths_total=3,
    )


def hosts() -> list[m.Host]:
    return [
        m.Host(
            address=PC,
            local=True,
            macs=["00:1c:42:6e:01:03"],
            vendors=["Parallels"],
            names=["DESK-17", "desk-17.corp.example"],
            users=["j.doe"],
            os_hint="Windows 10 (TTL 128, user agent)",
            packets_sent=3400,
            packets_received=3412,
            bytes_sent=6900000,
            bytes_received=1240000,
            first_time=at(1),
            last_time=at(1420),
        ),
        m.Host(
            address=DC,
            local=True,
            macs=["00:1c:42:6e:01:10"],
            vendors=["Parallels"],
            names=["dc01.corp.example"],
            services=["tcp/88 (kerberos)", "tcp/389 (ldap)", "tcp/445 (microsoft-ds)"],
            os_hint="Windows Server",
            packets_sent=1010,
            packets_received=1030,
            bytes_sent=200000,
            bytes_received=139000,
            first_time=at(2),
            last_time=at(1410),
        ),
        m.Host(
            address=PRINTER,
            local=True,
            macs=["00:1b:a9:10:20:30"],
            vendors=["Brother"],
            names=["BRN001BA9102030"],
            services=["tcp/9100 (jetdirect)"],
            packets_sent=123,
            packets_received=92,
            bytes_sent=14000,
            bytes_received=4100,
            first_time=at(4),
            last_time=at(1390),
        ),
        m.Host(
            address=SHOP,
            local=False,
            names=["shop.example"],
            services=["tcp/80 (http)"],
            packets_sent=110,
            packets_received=110,
            bytes_sent=150000,
            bytes_received=34000,
            first_time=at(119),
            last_time=at(240),
        ),
        m.Host(
            address=DROP,
            local=False,
            services=["tcp/80 (http)"],
            packets_sent=300,
            packets_received=88,
            bytes_sent=424000,
            bytes_received=12000,
            first_time=at(127),
            last_time=at(131),
        ),
        m.Host(
            address=HOME,
            local=False,
            services=["tcp/8080 (http-alt)", "tcp/443 (https)"],
            country="NL",
            autonomous_system="AS64500 Example Hosting",
            packets_sent=1200,
            packets_received=3400,
            bytes_sent=32000,
            bytes_received=6370000,
            first_time=at(210),
            last_time=at(1402),
        ),
    ]


def checks() -> list[m.Check]:
    fired: list[tuple[str, str, str, str, Any, str]] = [
        (one.code, one.name, one.title, one.question, "fired", "1 finding") for one in findings()
    ]
    quiet: list[tuple[str, str, str, str, Any, str]] = [
        (
            "TCP001",
            "retransmissions",
            "Segments were sent again",
            "Is the wire losing packets?",
            "quiet",
            "0.14 %, below 1 %",
        ),
        (
            "ARP001",
            "one-mac-many-addresses",
            "One card answered for several addresses",
            "Does somebody pretend to be the gateway?",
            "quiet",
            "no address was claimed twice",
        ),
        (
            "SCN001",
            "port-scan",
            "One host tried many ports",
            "Is somebody looking for open ports?",
            "quiet",
            "at most 4 ports tried by one host",
        ),
        (
            "KRB001",
            "kerberos-failures",
            "Log-ins failed",
            "Is somebody trying passwords against the domain?",
            "not-applicable",
            "no Kerberos in this capture",
        ),
        (
            "QUI001",
            "quic-names",
            "QUIC names",
            "Where do QUIC sessions go?",
            "not-evaluated",
            "this tshark has no field quic.tls.sni",
        ),
        (
            "BAS001",
            "new-since-baseline",
            "New since the baseline",
            "What is new compared with normal?",
            "not-evaluated",
            "no baseline was given",
        ),
        (
            "TLS003",
            "certificate-age",
            "A certificate was very young",
            "Was a certificate made for this?",
            "error",
            "the rule failed: division by zero",
        ),
    ]
    return [m.Check(code=c, name=n, title=t, question=q, status=s, reason=r) for c, n, t, q, s, r in [*fired, *quiet]]
