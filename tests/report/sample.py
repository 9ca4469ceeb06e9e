"""Reports for the renderers' tests: built by hand, as real ones come from the pipeline."""

# ruff: noqa: E501  (rows of data and sentences of prose, one a line)

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from tshark_report.report import model as m
from tshark_report.report.walk import map_text

M = TypeVar("M", bound=m.Model)

START = datetime(2026, 3, 2, 9, 12, 0, tzinfo=UTC)
PC, GATEWAY, RESOLVER, DC, PRINTER = "10.1.2.3", "10.1.2.1", "10.1.2.53", "10.1.2.10", "10.1.2.40"
SHOP, DROP, HOME = "198.51.100.23", "203.0.113.66", "203.0.113.99"
HASH = "3f2c9a5be1d84e67a0c7b1d2f3e4a5968778695a4b3c2d1e0f9e8d7c6b5a4938"
FILE_HASH = "b3d1f0c2a4958677e8d9cabb0c1d2e3f40516273849506172839404b5c6d7e8f"


def at(seconds: float) -> str:
    """A time of the sample, `seconds` after its start."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def table(columns: list[tuple[str, m.ColumnType]], rows: list[list[m.Cell]], total: int = 0) -> m.Table:
    """A typed table."""
    return m.Table(
        columns=[m.Column(name=name, type=kind) for name, kind in columns], rows=rows, total_rows=total or len(rows)
    )


def finding(**changes: Any) -> m.Finding:
    """A finding with everything filled in; change what the test is about."""
    values: dict[str, Any] = {
        "id": "HTT003-1",
        "code": "HTT003",
        "name": "regular-posts",
        "question": "Does a host report to another at regular intervals?",
        "title": "A client posted to one server at a regular interval",
        "subject": PC,
        "hosts": [PC, HOME],
        "summary": f"{PC} sent 14 POST requests to {HOME} port 8080, every 60 s (deviation 0.4 s), from 09:15:30 on; each carried 212 bytes and got 48 back.",
        "priority": "high",
        "confidence": "medium",
        "display_filter": f'ip.addr == {PC} && ip.addr == {HOME} && http.request.method == "POST"',
        "matched_packets": 14,
        "filter_checked": True,
        "first_frame": 431,
        "last_frame": 1190,
        "first_time": at(210),
        "last_time": at(990),
        "frames": [431 + 58 * number for number in range(14)],
        "evidence": table(
            [
                ("Time", "time"),
                ("Frame", "frame"),
                ("From", "address"),
                ("To", "address"),
                ("Port", "port"),
                ("Bytes", "bytes"),
                ("Since last", "seconds"),
                ("Request", "text"),
            ],
            [
                [at(210 + 60 * n), 431 + 58 * n, PC, HOME, 8080, 212, 60.0 + (n % 5 - 2) * 0.2, "POST /gate.php"]
                for n in range(14)
            ],
        ),
        "why": "A program that reports home does so at fixed intervals, with messages of the same size, to a server that nothing else talks to.",
        "innocent": [
            m.Innocent(
                explanation="An update check, a telemetry service or a monitoring agent does the same.",
                tell_apart="Its server has a name that was asked for, and other hosts talk to it too; this one was reached by address alone.",
            ),
            m.Innocent(
                explanation="A page left open that refreshes itself.",
                tell_apart="It would use GET, with the browser's own user agent.",
            ),
        ],
        "confirm": [
            "Look at the body of one request: is it text, or does it look random?",
            f"Ask on {PC} which process holds a session to {HOME}.",
        ],
        "reproduce": f"tshark -n -r staged.pcapng -Y 'ip.addr == {PC} && ip.addr == {HOME} && http.request.method == \"POST\"' -T fields -e frame.number -e frame.time_epoch",
        "references": [
            m.Reference(
                title="ATT&CK T1071.001 Application Layer Protocol: Web Protocols",
                url="https://attack.mitre.org/techniques/T1071/001/",
            )
        ],
    }
    return m.Finding(**{**values, **changes})


def _findings() -> list[m.Finding]:
    return [
        finding(
            id="HTT001-1",
            code="HTT001",
            name="executable-under-false-name",
            question="Was a file downloaded that is not what its name says?",
            title="An executable came under the name of a picture",
            hosts=[PC, DROP],
            first_frame=210,
            last_frame=388,
            first_time=at(127),
            last_time=at(131),
            summary=f'{PC} fetched http://{DROP}/images/logo.gif (412,160 bytes, declared image/gif); it begins with MZ and holds "This program cannot be run in DOS mode".',
            display_filter="tcp.stream == 11 && http",
            matched_packets=4,
            frames=[210, 212, 386, 388],
            confidence="high",
            evidence=table(
                [
                    ("Frame", "frame"),
                    ("Name", "text"),
                    ("Declared as", "text"),
                    ("Begins with", "hex"),
                    ("Is really", "text"),
                    ("Bytes", "bytes"),
                    ("SHA-256", "hex"),
                ],
                [[388, "logo.gif", "image/gif", "4d5a9000", "PE32 executable", 412160, FILE_HASH]],
            ),
            why="A picture that is a program was renamed to get past a filter or a reader's eye.",
            innocent=[
                m.Innocent(
                    explanation="A software updater that serves everything under one name.",
                    tell_apart="It would come from the maker's server, over TLS, with a signature.",
                )
            ],
            confirm=["Look the SHA-256 up.", f"Ask on {PC} whether the file was started."],
        ),
        finding(
            id="HTT002-1",
            code="HTT002",
            name="search-page-to-bare-address",
            question="How did the client come to the file?",
            priority="medium",
            confidence="high",
            title="A search result led over a shop's page to a bare address",
            hosts=[PC, SHOP, DROP],
            first_frame=142,
            last_frame=210,
            first_time=at(119),
            last_time=at(127),
            summary=f"{PC} came from www.search.example to shop.example ({SHOP}), and 7.8 s later asked {DROP}, an address with no name, with shop.example as the referrer.",
            display_filter=f"http.request && ip.src == {PC} && ip.addr in {{{SHOP}, {DROP}}}",
            matched_packets=6,
            frames=[142, 150, 163, 171, 190, 210],
            evidence=table(
                [("Time", "time"), ("Frame", "frame"), ("Request", "text"), ("Referrer", "text"), ("Answer", "count")],
                [
                    [at(119), 142, "GET http://shop.example/offers", "http://www.search.example/?q=offers", 200],
                    [at(121), 150, "GET http://shop.example/offers/spring.js", "http://shop.example/offers", 200],
                    [at(127), 210, f"GET http://{DROP}/images/logo.gif", "http://shop.example/offers", 200],
                ],
            ),
            why="A page that was broken into sends its visitors on, mostly by a script, to an address that is thrown away later.",
            innocent=[
                m.Innocent(
                    explanation="Shops load pictures from delivery networks by address.",
                    tell_apart="Those serve pictures, and to every visitor.",
                )
            ],
        ),
        finding(),
        finding(
            id="DNS004-1",
            code="DNS004",
            name="short-lived-names",
            question="Do names change their addresses within minutes?",
            priority="medium",
            confidence="medium",
            title="One name answered with many addresses of short life",
            hosts=[PC, RESOLVER],
            first_frame=402,
            last_frame=1011,
            first_time=at(196),
            last_time=at(840),
            summary="cdn-status.example was asked 9 times and answered with 17 different addresses in 11 networks, each to be kept 5 s.",
            display_filter='dns.qry.name == "cdn-status.example"',
            matched_packets=18,
            frames=list(range(402, 420)),
            evidence=table(
                [("Time", "time"), ("Frame", "frame"), ("Addresses", "text"), ("TTL", "count")],
                [[at(196 + n * 70), 402 + n, f"203.0.113.{n + 3}, 198.51.100.{n * 7 + 1}", 5] for n in range(9)],
            ),
            why="Networks of hijacked hosts hide behind names whose addresses change all the time.",
            innocent=[
                m.Innocent(
                    explanation="Large sites and delivery networks use short lifetimes too.",
                    tell_apart="Their addresses lie in few networks that belong to one owner.",
                )
            ],
        ),
        finding(
            id="FLW002-1",
            code="FLW002",
            name="upload-larger-than-download",
            question="What goes out of the door?",
            priority="medium",
            confidence="low",
            title="A client sent far more than it received",
            hosts=[PC, HOME],
            first_frame=1205,
            last_frame=2320,
            first_time=at(1260),
            last_time=at(1402),
            summary=f"{PC} sent 6,291,456 bytes to {HOME} port 443 and received 18,204; before the download it had sent 3 % of that to all addresses together.",
            display_filter=f"ip.src == {PC} && ip.dst == {HOME} && tcp.port == 443",
            matched_packets=4388,
            frames=list(range(1205, 1405)),
            evidence=table(
                [
                    ("From", "address"),
                    ("To", "address"),
                    ("Port", "port"),
                    ("Bytes out", "bytes"),
                    ("Bytes in", "bytes"),
                    ("Share out", "percent"),
                ],
                [[PC, HOME, 443, 6291456, 18204, 99.7]],
            ),
            lowered_because="a single upload is often a backup",
        ),
        finding(
            id="DNS002-1",
            code="DNS002",
            name="unanswered-names",
            question="Are there names that nobody answers?",
            subject=PRINTER,
            priority="low",
            confidence="high",
            title="A host asked again and again for a name that does not exist",
            hosts=[PRINTER, RESOLVER],
            first_frame=12,
            last_frame=2290,
            first_time=at(4),
            last_time=at(1380),
            summary=f"{PRINTER} asked 46 times for wpad.corp.example and was told each time that it does not exist.",
            display_filter=f'dns.qry.name == "wpad.corp.example" && ip.addr == {PRINTER}',
            matched_packets=92,
            frames=list(range(12, 104, 2)),
            evidence=table(
                [("Name", "text"), ("Asked", "count"), ("Answer", "text")], [["wpad.corp.example", 46, "NXDOMAIN"]]
            ),
        ),
    ]


def line_up() -> m.LineUp:
    """Fourteen requests under each other: a port that counts, a TTL that is constant but once."""
    rows = []
    for number in range(14):
        ttl = "128" if number != 9 else "57"
        rows.append(
            [
                f"{60.0 + (number % 5 - 2) * 0.2:.1f}",
                str(49200 + number * 2),
                "8080",
                ttl,
                f"0x{0x1A00 + number * 37:04x}",
                "212",
                str(1000 + number * 7919 % 50000),
            ]
        )
    return m.LineUp(
        columns=[
            m.LineUpColumn(name="Interval", field="frame.time_delta", mark="varying", note="60 s, deviation 0.4 s"),
            m.LineUpColumn(name="Source port", field="tcp.srcport", mark="counting"),
            m.LineUpColumn(name="Destination port", field="tcp.dstport", mark="constant"),
            m.LineUpColumn(name="TTL", field="ip.ttl", mark="odd", note="128 in 13 of 14"),
            m.LineUpColumn(name="IP ID", field="ip.id", mark="counting"),
            m.LineUpColumn(name="Length", field="tcp.len", mark="constant"),
            m.LineUpColumn(name="Sequence", field="tcp.seq_raw", mark="varying"),
        ],
        frames=[431 + 58 * number for number in range(14)],
        rows=rows,
        odd=[(9, 3)],
        total_packets=14,
    )


def _starting_points() -> list[m.StartingPoint]:
    return [
        m.StartingPoint(
            rank=1,
            subject=PC,
            hosts=[PC, DROP, HOME],
            headline=f"{PC} fetched a program under a false name and then reported to {HOME} every minute",
            story=f"At 09:13:59 it followed a link from a search page to shop.example, which it left 7.8 s later for the bare address {DROP}; frames 210-388 brought 412,160 bytes named logo.gif that begin with MZ. From 09:15:30 it posted 212 bytes every 60 s to {HOME}, to which it had never spoken before, and at 09:33:00 it sent 6.29 MB there.",
            priority="high",
            confidence="high",
            findings=["HTT002-1", "HTT001-1", "HTT003-1", "FLW002-1"],
            why_here="Five small things happened to one host in this order, and each of them is rare by itself.",
            harmless="A software updater that serves all its files under one name and then reports its progress. It would come from its maker's server, over TLS, and other hosts would have it too.",
            first_time=at(119),
            last_time=at(1402),
            display_filter=f"ip.addr == {PC} && ip.addr in {{{SHOP}, {DROP}, {HOME}}}",
            matched_packets=4812,
            line_up=line_up(),
        ),
        m.StartingPoint(
            rank=2,
            subject="cdn-status.example",
            hosts=[PC, RESOLVER],
            headline="cdn-status.example changed its address nine times in eleven minutes",
            story=f"From 09:15:16 {PC} asked for it every 70 s; the 17 addresses lie in 11 networks and were each to be kept for 5 s. The first question came 1.1 s after the last byte of logo.gif.",
            priority="medium",
            confidence="medium",
            findings=["DNS004-1"],
            why_here="It begins a second after the download, but the names alone prove nothing.",
            harmless="A delivery network. Its addresses would lie in few networks of one owner.",
            first_time=at(196),
            last_time=at(840),
            display_filter='dns.qry.name == "cdn-status.example"',
            matched_packets=18,
        ),
    ]


def _conversation(
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


def _endpoint(protocol: Any, address: str, port: int | None, packets: int, size: int) -> m.Endpoint:
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


def _traffic() -> m.Traffic:
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


def _statistics() -> m.Statistics:
    ip = [
        _conversation("ipv6" if ":" in a else "ipv4", a, None, b, None, p, size, 5 + n, 1200.0)
        for n, (a, b, p, size) in enumerate(PAIRS)
    ]
    tcp = [
        _conversation("tcp", a, 49200 + n, b, 443 if n % 2 else 80, p, size, 5 + n, 33.4 * (n + 1))
        for n, (a, b, p, size) in enumerate(PAIRS[:9])
    ]
    udp = [
        _conversation("udp", a, 53000 + n, RESOLVER, 53, 2, 210, 5 + n, 0.0123)
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
            *[_endpoint("ipv4", a, None, p, size) for a, _, p, size in PAIRS],
            *[_endpoint("tcp", a, 443, p, size) for a, _, p, size in PAIRS[:9]],
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
        traffic=_traffic(),
        reconciled=True,
        reconciliation="Frames and bytes of all conversations and endpoints agree with tshark's own statistics.",
    )


def _transport() -> m.TransportHealth:
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


def _hosts() -> list[m.Host]:
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


def _checks() -> list[m.Check]:
    fired: list[tuple[str, str, str, str, Any, str]] = [
        (one.code, one.name, one.title, one.question, "fired", "1 finding") for one in _findings()
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


def incident() -> m.Report:
    """The staged incident: a page, a program under a false name, check-ins, an upload."""
    findings = _findings()
    return m.Report(
        schema_version=m.SCHEMA_VERSION,
        tool=m.Tool(name="tshark-report", version="0.1.0", tshark_version="4.0.17"),
        generated="2026-03-02T12:00:00.000000Z",
        ticket=m.Ticket(
            ticket="INC-4711",
            title="Alert on DESK-17: unusual upload",
            analyst="A. Analyst",
            organisation="Example Corp",
            tlp="AMBER",
            note="Capture taken at the office's uplink after the proxy's alert.",
        ),
        capture=m.CaptureInfo(
            file_name="staged.pcapng",
            sha256=HASH,
            file_bytes=10112233,
            file_type="Wireshark/... - pcapng",
            link_types=["Ethernet"],
            packets=9315,
            first_time=at(0.1),
            last_time=at(1439.9),
            duration_s=1439.8,
            truncated=False,
            bytes_on_wire=9812345,
            bytes_captured=9812345,
            interfaces=["eth0"],
            capture_application="Dumpcap 4.0.17",
        ),
        verdict=m.Verdict(
            headline=f"Start with {PC}: it fetched a program named as a picture and then reported to {HOME} every minute",
            layer="application",
            reason="The wire is healthy; what stands out happens in HTTP and DNS.",
        ),
        overview="24 minutes of an office network on Ethernet, 9,315 packets between 8 home hosts and 7 addresses elsewhere, on the morning of 2 March 2026. Mostly TLS and HTTP, some file sharing with dc01.corp.example, and DNS through one resolver.",
        starting_points=_starting_points(),
        findings=findings,
        checks=_checks(),
        limits=[
            "The capture starts in the middle of 3 sessions; what came before is not in it.",
            "TLS was not decrypted: no keys were given, so the upload's content is unknown.",
            "Traffic between hosts on the same switch port group does not pass the uplink.",
        ],
        hosts=_hosts(),
        hosts_total=15,
        files=[
            m.CarriedFile(
                name="logo.gif",
                protocol="http",
                source=DROP,
                destination=PC,
                bytes=412160,
                sha256=FILE_HASH,
                declared_type="image/gif",
                detected_type="PE32 executable (GUI) Intel 80386",
                frame=388,
                time=at(131),
            ),
            m.CarriedFile(
                name="spring.js",
                protocol="http",
                source=SHOP,
                destination=PC,
                bytes=4210,
                sha256=HASH[::-1],
                declared_type="text/javascript",
                detected_type="ASCII text",
                frame=171,
                time=at(122),
                complete=False,
            ),
        ],
        files_total=2,
        protocols=[
            m.ProtocolNote(protocol="HTTP", sentence="3 clients asked 4 servers 620 times; 598 answers were 200."),
            m.ProtocolNote(protocol="SMB2", sentence=f"{PC} opened 2 shares on dc01.corp.example and read 14 files."),
            m.ProtocolNote(protocol="DNS", sentence="4 clients asked 1 resolver for 41 names."),
        ],
        transport=_transport(),
        dns=m.DnsView(
            queries=165,
            answered=160,
            unanswered=5,
            nxdomain=46,
            resolvers=[RESOLVER],
            median_answer_s=0.0123,
            names_total=41,
            names=[
                m.DnsName(
                    name="cdn-status.example",
                    types=["A"],
                    queries=9,
                    answers=9,
                    failures=0,
                    clients=[PC],
                    addresses=[f"203.0.113.{n}" for n in range(3, 20)],
                    ttl_min_s=5,
                    ttl_max_s=5,
                    first_time=at(196),
                ),
                m.DnsName(
                    name="wpad.corp.example",
                    types=["A", "AAAA"],
                    queries=46,
                    answers=0,
                    failures=46,
                    clients=[PRINTER],
                    addresses=[],
                    ttl_min_s=None,
                    ttl_max_s=None,
                    first_time=at(4),
                ),
                m.DnsName(
                    name="shop.example",
                    types=["A", "AAAA"],
                    queries=2,
                    answers=2,
                    failures=0,
                    clients=[PC],
                    addresses=[SHOP],
                    ttl_min_s=3600,
                    ttl_max_s=3600,
                    first_time=at(118),
                ),
            ],
        ),
        statistics=_statistics(),
        indicators=[
            m.Indicator(
                type="ipv4", value=DROP, defanged="203[.]0[.]113[.]66", finding="HTT001-1", note="served the program"
            ),
            m.Indicator(type="ipv4", value=HOME, defanged="203[.]0[.]113[.]99", finding="HTT003-1"),
            m.Indicator(type="domain", value="cdn-status.example", defanged="cdn-status[.]example", finding="DNS004-1"),
            m.Indicator(
                type="url",
                value=f"http://{DROP}/images/logo.gif",
                defanged="hxxp[://]203[.]0[.]113[.]66/images/logo[.]gif",
                finding="HTT001-1",
            ),
            m.Indicator(type="sha256", value=FILE_HASH, defanged=FILE_HASH, finding="HTT001-1"),
        ],
        commands=[
            m.Command(
                purpose="Packets and statistics, one pass",
                command="tshark -n -r staged.pcapng -T tabs -o gui.column.format:... -q -z io,phs -z expert",
            ),
            m.Command(purpose="What the file is", command="capinfos -T -M staged.pcapng"),
        ],
    )


def change(model: M, **changes: Any) -> M:
    """A copy with some fields replaced."""
    return msgspec.structs.replace(model, **changes)


def quiet() -> m.Report:
    """An hour in which nothing stands out."""
    report = incident()
    return change(
        report,
        ticket=m.Ticket(),
        starting_points=[],
        files=[],
        files_total=0,
        indicators=[],
        findings=[change(one, priority="info") for one in report.findings if one.code == "DNS002"],
        verdict=m.Verdict(
            headline="Nothing in this capture stands out",
            layer="none",
            reason="All checks that could be made were quiet.",
        ),
        checks=[
            change(one, status="quiet", reason="not seen") if one.status == "fired" and one.code != "DNS002" else one
            for one in report.checks
        ],
    )


def slow_server() -> m.Report:
    """A transport question: it is the server."""
    report = incident()
    slow = finding(
        id="TIM001-1",
        code="TIM001",
        name="slow-answers",
        question="Is it the client, the server or the wire?",
        title="The server took long to answer",
        subject=DC,
        hosts=["10.1.2.8", DC],
        summary=f"{DC} port 80 needed 2.41 s at the median to begin its answer, in 31 of 33 requests; the network took 0.5 ms of that.",
        display_filter=f"ip.src == {DC} && http.time > 1",
        matched_packets=31,
        first_frame=40,
        last_frame=2100,
        first_time=at(20),
        last_time=at(1300),
        evidence=table(
            [("Request", "text"), ("Answered after", "seconds"), ("Round trip", "milliseconds")],
            [[f"GET /report?id={n}", 2.4 + n % 3 * 0.1, 0.5] for n in range(31)],
        ),
        why="When the network answers within a millisecond and the program within seconds, the time is lost in the program.",
        innocent=[
            m.Innocent(
                explanation="A report that is meant to take that long.",
                tell_apart="Other requests to the same server would be fast.",
            )
        ],
    )
    point = m.StartingPoint(
        rank=1,
        subject=DC,
        hosts=[DC, "10.1.2.8"],
        headline=f"{DC} takes 2.4 s to answer; the network does not",
        story="31 of 33 requests waited more than 2 s for the first byte, at all times of the capture. Handshakes took 0.5 ms, nothing was sent again, and no window closed.",
        priority="medium",
        confidence="high",
        findings=["TIM001-1"],
        why_here="It is the only place where time is lost.",
        harmless="A report that is meant to take that long; other requests would be fast.",
        first_time=at(20),
        last_time=at(1300),
        display_filter=f"ip.src == {DC} && http.time > 1",
        matched_packets=31,
    )
    path = m.PathTiming(
        client="10.1.2.8",
        server=DC,
        port=80,
        sessions=33,
        rtt_s=0.0005,
        rtt_client_s=0.0002,
        rtt_server_s=0.0003,
        server_think_s=2.41,
        server_think_max_s=2.9,
        client_think_s=0.4,
        retransmissions=0,
        zero_windows=0,
        resets=0,
        packets=420,
    )
    return change(
        report,
        findings=[slow],
        starting_points=[point],
        indicators=[],
        files=[],
        files_total=0,
        verdict=m.Verdict(
            headline=f"The time is lost in the server program on {DC}, not in the network",
            layer="application",
            reason="Round trip 0.5 ms, answers after 2.41 s at the median, nothing sent again.",
        ),
        transport=change(
            report.transport,
            sentence=f"The network is not the cause: {DC} takes 2.41 s to answer while the wire takes 0.5 ms.",
            paths=[path, *report.transport.paths],
        ),
    )


HOSTILE = (
    "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}\x1b[31m\x1b]0;owned\x07"
    "\u202egpj.exe\u2066\u200b|`*_[a](javascript:alert(3))<!-- --> ]]> &lt; &#x27; \" ' \\ \x00\x9b\ud800\ufeff{color:red}@all #1 $(id) ../../x"
)


def hostile() -> m.Report:
    """Every text of the report holds something that breaks a careless renderer."""
    mixed = map_text(incident(), lambda text: text if _structural(text) else f"{HOSTILE}{text}")
    report = change(
        mixed,
        indicators=[
            *mixed.indicators,
            m.Indicator(
                type="domain", value="=cmd|'/c calc'!A1", defanged="", finding="HTT003-1", note="-2+3+cmd|' /C calc'!A0"
            ),
        ],
    )
    return map_text(report, lambda text: text)


def _structural(text: str) -> bool:
    """Ids and times, which the pipeline makes and not the wire."""
    return text.startswith("2026-") or (len(text) < 12 and text[-2:] in ("-1", "-2"))


def huge() -> m.Report:
    """5,000 conversations, 400 findings, thousands of hosts and names."""
    report = incident()
    rng = random.Random(7)
    pairs = [
        (f"10.{n // 900}.{n // 30 % 30}.{n % 30 + 1}", f"198.{18 + n % 2}.{rng.randrange(256)}.{rng.randrange(1, 255)}")
        for n in range(5000)
    ]
    tcp = [_conversation("tcp", a, 30000 + n, b, 443, 40, 31000 + n, n % 1400, 12.5) for n, (a, b) in enumerate(pairs)]
    ip = [_conversation("ipv4", a, None, b, None, 40, 31000 + n, n % 1400, 12.5) for n, (a, b) in enumerate(pairs)]
    findings = [
        finding(
            id=f"HTT003-{n + 1}",
            title=f"A client posted to server {n + 1} at a regular interval",
            priority="medium" if n < 40 else "low",
        )
        for n in range(400)
    ]
    statistics = change(
        report.statistics,
        conversations=[*ip, *tcp],
        conversation_totals=m.TotalRows(ipv4=5000, tcp=5311),
        endpoints=[_endpoint("tcp", a, 443, 40, 31000) for a, _ in pairs],
    )
    hosts = [
        m.Host(
            address=a,
            local=True,
            names=[f"host-{n}.corp.example"],
            services=["tcp/443 (https)"],
            packets_sent=n,
            bytes_sent=n * 900,
            first_time=at(n % 1400),
        )
        for n, (a, _) in enumerate(pairs)
    ]
    names = [
        m.DnsName(
            name=f"{n:05x}.cdn.example",
            types=["A"],
            queries=n,
            answers=n,
            failures=0,
            clients=[PC],
            addresses=[HOME],
            ttl_min_s=60,
            ttl_max_s=60,
            first_time=at(n % 1400),
        )
        for n in range(3000)
    ]
    points = [
        change(point, rank=n + 1, findings=[f"HTT003-{20 * n + k + 1}" for k in range(20)], line_up=line_up())
        for n, point in enumerate(_starting_points() * 2 + _starting_points()[:1])
    ]
    return change(
        report,
        statistics=statistics,
        hosts=hosts,
        hosts_total=9000,
        findings=findings,
        starting_points=points,
        dns=change(report.dns, names=names, names_total=3000),
        files=report.files * 300,
        files_total=900,
        indicators=report.indicators * 100,
        commands=report.commands * 40,
    )


ALL = {"incident": incident, "quiet": quiet, "slow-server": slow_server, "hostile": hostile, "huge": huge}
