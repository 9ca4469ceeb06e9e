"""Reports as nobody wants them: text that attacks its renderer, and more rows than a page holds."""

# ruff: noqa: E501  (rows of data and sentences of prose, one a line)

from __future__ import annotations

import random

from tests.report.sample.basics import HOME, PC, at, change
from tests.report.sample.findings import finding, line_up, starting_points
from tests.report.sample.statistics import conversation, endpoint
from tests.report.sample.whole import incident
from tshark_report.report import model as m
from tshark_report.report.walk import map_text

HOSTILE = (
    "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}\x1b[31m\x1b]0;owned\x07"
    "\u202egpj.exe\u2066\u200b|`*_[a](javascript:alert(3))<!-- --> ]]> &lt; &#x27; \" ' \\ \x00\x9b\ud800\ufeff{color:red}@all #1 $(id) ../../x"
)


def hostile() -> m.Report:
    """Every text of the report holds something that breaks a careless renderer."""
    mixed = map_text(incident(), lambda text: text if structural(text) else f"{HOSTILE}{text}")
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


def structural(text: str) -> bool:
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
    tcp = [conversation("tcp", a, 30000 + n, b, 443, 40, 31000 + n, n % 1400, 12.5) for n, (a, b) in enumerate(pairs)]
    ip = [conversation("ipv4", a, None, b, None, 40, 31000 + n, n % 1400, 12.5) for n, (a, b) in enumerate(pairs)]
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
        endpoints=[endpoint("tcp", a, 443, 40, 31000) for a, _ in pairs],
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
        for n, point in enumerate(starting_points() * 2 + starting_points()[:1])
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
