"""Findings, and the starting points that they make."""

# ruff: noqa: E501  (rows of data and sentences of prose, one a line)

from __future__ import annotations

from typing import Any

from tests.report.sample.basics import DROP, FILE_HASH, HOME, PC, PRINTER, RESOLVER, SHOP, at, table
from tshark_report.report import model as m


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


def findings() -> list[m.Finding]:
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


def starting_points() -> list[m.StartingPoint]:
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
