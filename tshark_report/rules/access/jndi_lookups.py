"""WEB001: a request asked a server to look a name up elsewhere (JNDI), and what the server did then."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules.access import _web
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

DEFAULT_PORTS = {"ldap": 389, "ldaps": 636, "rmi": 1099, "dns": 53, "http": 80, "iiop": 535, "corba": 535, "nis": 111}


@rule(
    code="WEB001",
    name="jndi-lookups",
    family="access",
    title="A request asked the server to fetch from elsewhere (JNDI)",
    question="Was a server made to look up and load code from another host (Log4Shell)?",
    answers=("Q12",),
    why="A Java logger that evaluates ${jndi:ldap://host/...} connects to that host and loads a class from it "
    "(CVE-2021-44228). "
    "Requests with the text are everyday noise on the Internet; a server that then connects out is not.",
    innocent=(
        Innocent(
            explanation="Scanners send the text to every web server.",
            tell_apart="The server never connects to the host named.",
        ),
        Innocent(
            explanation="One's own vulnerability scan.",
            tell_apart="The host named belongs to the scanner, and it answers without a class.",
        ),
    ),
    confirm=(
        "Did the server connect to the host named, and did it fetch a class from there?",
        "Which version of Log4j runs there? Which process made the connection?",
        "What did the server do next: new connections, new files, new processes?",
    ),
    references=(
        Reference(title="CVE-2021-44228 (Log4Shell)", url="https://nvd.nist.gov/vuln/detail/CVE-2021-44228"),
        Reference(
            title="ATT&CK T1190 Exploit Public-Facing Application", url="https://attack.mitre.org/techniques/T1190/"
        ),
    ),
    needs=("http",),
    thresholds={
        "follow": Threshold(
            300, "seconds", "the look-up happens while the line is logged; a queue may delay it by minutes"
        )
    },
    weight=96.0,
)
def jndi_lookups(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server."""
    found = [r for r in _web.requests(tables) if "JNDI look-up" in r.kinds]
    drafts = [_draft(tables, context, at, requests) for at, requests in _web.groups(found)]
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, at: tuple[str, str, int], requests: list[_web.Request]) -> Draft:
    client, server, port = at
    targets: dict[tuple[str, str, int], None] = {}
    for request in requests:
        for match in _web.JNDI_TARGET.finditer(request.kinds["JNDI look-up"].split("jndi", 1)[-1].lstrip(": ")):
            scheme = match[1].lower()
            targets[scheme, match[2].strip("[]").lower(), int(match[3] or DEFAULT_PORTS.get(scheme, 0))] = None
    hosts = {host for _, host, _ in targets}
    addresses = {a for a, name in tables.names.items() if name.lower() in hosts} | hosts
    first, last = requests[0].time, requests[-1].time
    within = (pl.col("start") >= first) & (pl.col("start") <= last + context.limit("follow"))
    out = tables.tcp_sessions.filter(
        (pl.col("client") == server)
        & (pl.col("server").is_in(sorted(addresses | {client})))
        & within
        & (pl.col("server_port") != port)
    ).sort("start")
    classes = tables.http.filter(
        (pl.col("src") == server)
        & pl.col("method").is_not_null()
        & (pl.col("time") >= first)
        & (pl.col("time") <= last + context.limit("follow"))
        & (
            pl.col("uri").str.contains(r"(?i)\.(?:class|jar|ser|xml)(?:\?|$)")
            | pl.col("user_agent").str.contains(r"^Java/")
        )
    )
    connected = out.filter(pl.col("established"))
    tried = out.filter(~pl.col("established"))
    priority: Priority = "medium"
    confidence: Confidence = "high"
    if connected.height or classes.height:
        priority = "high"
    elif tried.height:
        priority, confidence = "high", "medium"
    told = []
    for row in out.head(6).iter_rows(named=True):
        state = "" if row["established"] else " (refused)" if row["refused"] else " (no answer)"
        told.append(
            f"{row['server']} port {row['server_port']}{state} {duration(row['start'] - first)} after the first request"
        )
    end = " The server made no connection to the host named within the capture."
    if told:
        end = f" Afterwards {called(context, server)} itself connected to {listed(told, 4)}."
    fetched = [
        f"{r['method']} http://{cut(r['host'] or r['dst'], 40)}{cut(r['uri'] or '', 60)} from {r['dst']}"
        for r in classes.iter_rows(named=True)
    ]
    if fetched:
        agent = next((a for a in classes["user_agent"].to_list() if a), "")
        end += f" It fetched {listed(fetched, 3)}{f' (User-Agent {cut(agent, 40)})' if agent else ''}: a class to load."
    where = list(dict.fromkeys(_place(r) for r in requests))
    samples = list(dict.fromkeys(cut(r.kinds["JNDI look-up"], 90) for r in requests))
    summary = (
        f"{client} sent {count(len(requests), 'request')} with a JNDI look-up ({listed(samples, 2)}, in "
        f"{listed(where, 3)}; as in Log4Shell) to "
        f"{called(context, server)} port {port}, {minutes(first, last)}; {_web.answered(requests)}.{end}"
    )
    sentence = f"{client} sent {called(context, server)} port {port} a JNDI look-up ({samples[0]})"
    if fetched:
        sentence += f", and the server fetched {cut(classes['uri'][0] or '', 60)} from {classes['dst'][0]}"
    elif told:
        sentence += f", and the server connected to {told[0].split(' (', 1)[0]}"
    filter_, frames = _web.selection(tables, at, requests)
    rows: list[list[str | int | float | None]] = [
        [r.time, r.frame, r.client, r.server, cut(f"{r.line} {r.kinds['JNDI look-up']}", 150), str(r.status or "")]
        for r in requests
    ]
    after: list[list[str | int | float | None]] = [
        [r["time"], r["frame"], r["src"], r["dst"], cut(f"{r['method']} {r['host'] or ''}{r['uri'] or ''}", 120), ""]
        for r in classes.iter_rows(named=True)
    ]
    after += [
        [
            r["start"],
            r["first_frame"],
            r["client"],
            r["server"],
            f"connection to port {r['server_port']}",
            "established" if r["established"] else "refused" if r["refused"] else "no answer",
        ]
        for r in out.iter_rows(named=True)
    ]
    others = [a for a in sorted(addresses) if a not in (client, server) and a in set(out["server"].to_list())]
    return Draft(
        subject=f"{client} to {server}:{port}",
        hosts=tuple(dict.fromkeys([server, client, *others])),
        summary=summary,
        sentence=sentence,
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("from", "address"),
                ("to", "address"),
                ("what", "text"),
                ("answer", "text"),
            ),
            sorted([*rows[:4], *after], key=lambda row: float(str(row[0]))) + rows[4:],
        ),
        title="A request asked the server to fetch from elsewhere (JNDI)"
        + (", and it did" if priority == "high" and confidence == "high" else ""),
        time=first,
        indicators=tuple(("ipv4" if a.replace(".", "").isdigit() else "domain", a) for a in sorted(hosts) if a)[:5],
    )


def _place(request: _web.Request) -> str:
    text = request.kinds["JNDI look-up"]
    if any(text[:8] in v for _, v in request.form):
        return "a form field"
    header = next((name for name, value in request.headers.items() if text[:8] in value), "")
    if header:
        return f"the {header.replace('_', '-')} header"
    return "the address" if "jndi" in _web.decoded(request.uri).lower() else "the body"
