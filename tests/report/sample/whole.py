"""Whole reports: an incident, a quiet hour, a slow server."""

# ruff: noqa: E501  (rows of data and sentences of prose, one a line)

from __future__ import annotations

from tests.report.sample.basics import (
    DC,
    DROP,
    FILE_HASH,
    HASH,
    HOME,
    PC,
    PRINTER,
    RESOLVER,
    SHOP,
    at,
    change,
    table,
)
from tests.report.sample.findings import finding, findings, starting_points
from tests.report.sample.network import checks, hosts, transport
from tests.report.sample.statistics import statistics
from tshark_report.report import model as m


def incident() -> m.Report:
    """The staged incident: a page, a program under a false name, check-ins, an upload."""
    found = findings()
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
        starting_points=starting_points(),
        findings=found,
        checks=checks(),
        limits=[
            "The capture starts in the middle of 3 sessions; what came before is not in it.",
            "TLS was not decrypted: no keys were given, so the upload's content is unknown.",
            "Traffic between hosts on the same switch port group does not pass the uplink.",
        ],
        hosts=hosts(),
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
        transport=transport(),
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
        statistics=statistics(),
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
