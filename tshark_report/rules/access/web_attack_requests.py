"""WEB002: requests that try to make a web server do something else than show a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules.access import _web
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes
from tshark_report.rules.access.web_shell_calls import marked
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

RUNS = ("command injection", "code execution", "Shellshock")
"""What runs on the server if it works."""


@rule(
    code="WEB002",
    name="web-attack-requests",
    family="access",
    title="Requests tried SQL injection, path traversal or command injection",
    question="Did somebody try to break into a web application, and did an answer say that it worked?",
    answers=("Q12",),
    why="Such requests hold the language of what stands behind the page: SQL, paths, shell commands. Whether they "
    "worked "
    "shows in the server's answer, its status, its size, and what it holds.",
    innocent=(
        Innocent(
            explanation="Scanners of the whole Internet try every server.",
            tell_apart="The answers are 400, 403 or 404, or the same page that everybody gets.",
        ),
        Innocent(
            explanation="One's own vulnerability scan or penetration test.",
            tell_apart="The source and the time were announced.",
        ),
        Innocent(
            explanation="A search or a text that holds such words, for example on a forum about SQL.",
            tell_apart="One request, from an ordinary browser with a Referer on the same site.",
        ),
    ),
    confirm=(
        "Compare the answers with those to ordinary requests: status, size, time.",
        "Read the application's and the database's logs for the same minutes.",
        "What else did that source ask for, and did any of it succeed?",
    ),
    references=(
        Reference(
            title="ATT&CK T1190 Exploit Public-Facing Application", url="https://attack.mitre.org/techniques/T1190/"
        ),
        Reference(
            title="OWASP Web Security Testing Guide: input validation",
            url="https://owasp.org/www-project-web-security-testing-guide/",
        ),
    ),
    needs=("http",),
    thresholds={
        "weak": Threshold(3, "requests", "a script tag alone may stand in a post about HTML; several are tries"),
        "many": Threshold(10, "requests", "from here on somebody works on this server, whatever it answers"),
        "slow": Threshold(
            4.0, "seconds", "an answer that waits as long as a SLEEP() asked it to says that the database obeyed"
        ),
    },
    weight=78.0,
)
def web_attack_requests(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server."""
    every, commands = marked(_web.requests(tables))
    shells = {r.frame for r, _ in commands}
    found = [
        _web.own(r)
        for r in every
        if r.frame not in shells and set(r.kinds) - {"JNDI look-up", "probe for files that are not meant for visitors"}
    ]
    _web.prove(tables, found)
    drafts = []
    for at, requests in _web.groups(found):
        if any(r.strong for r in requests) or len(requests) >= context.limit("weak"):
            drafts.append(_draft(tables, context, at, requests))
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), -draft.evidence.total_rows))
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, at: tuple[str, str, int], requests: list[_web.Request]) -> Draft:
    client, server, port = at
    kinds = Counter(k for r in requests for k in r.kinds if not k.startswith(("JNDI", "probe")))
    first, last = requests[0].time, requests[-1].time
    proven = [r for r in requests if r.proof]
    ran = [r for r in requests if r.status is not None and r.status < 300 and any(k in RUNS for k in r.kinds)]
    succeeded = [r for r in requests if r.status is not None and 200 <= r.status < 300]
    failed = [r for r in requests if r.status is not None and r.status >= 500]
    slept = _slept(tables, context, requests)
    strong = any(r.strong for r in requests)
    priority: Priority = "medium" if strong else "low"
    confidence: Confidence = "high" if len(requests) > 1 else "medium"
    if proven or slept:
        priority, confidence = "high", "high"
    elif ran or (len(succeeded) + len(failed) >= context.limit("many")):
        priority, confidence = "high", "medium"
    end = ""
    if proven:
        told = Counter(r.proof for r in proven)
        end = f" {count(len(proven), 'answer')} held {listed([k for k, _ in told.most_common(3)])}: it worked there."
    elif slept:
        end = (
            f" {count(len(slept), 'answer')} came only after {context.limit('slow'):.0f} s or more, as the "
            "request asked the database to wait."
        )
    elif ran:
        end = (
            f" {count(len(ran), 'request')} that would run something {'was' if len(ran) == 1 else 'were'} "
            "answered with success."
        )
    elif succeeded:
        sizes = sorted({r.answer_bytes for r in succeeded if r.answer_bytes is not None})
        end = (
            f" {count(len(succeeded), 'answer')} of 200 to "
            f"299{f' ({sizes[0]:,} to {sizes[-1]:,} bytes)' if sizes else ''} hold no sign that it worked."
        )
    named = listed([f"{kind} ({n:,})" for kind, n in kinds.most_common(5)])
    samples = list(dict.fromkeys(_sample(r) for r in sorted(requests, key=lambda r: (not r.proof, not r.strong))))
    span = f" in {duration(last - first)}" if last - first >= 1 else ""
    target = f"{called(context, server)} port {port}"
    summary = (
        f"{client} sent {count(len(requests), 'request')} to {target} that "
        f"{'try' if len(requests) > 1 else 'tries'} {named}{span}, {minutes(first, last)}; "
        f"for example {listed(samples, 2)}; {_web.answered(requests)}.{end}"
    )
    filter_, frames = _web.selection(tables, at, requests)
    ordered_rows = sorted(requests, key=lambda r: (not r.proof, not r.strong, r.frame))
    return Draft(
        subject=f"{client} to {server}:{port}",
        hosts=(server, client) if proven or ran or slept else (client, server),
        summary=summary,
        sentence=f"{client} sent {target} {count(len(requests), 'request')} that try "
        f"{listed([k for k, _ in kinds.most_common(3)])}"
        + (f", and an answer held {proven[0].proof}" if proven else ""),
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("request", "text"),
                ("tries", "text"),
                ("status", "count"),
                ("answer bytes", "bytes"),
                ("answer holds", "text"),
            ),
            [
                [
                    r.time,
                    r.frame,
                    cut(_sample(r), 150),
                    ", ".join(k for k in r.kinds)[:80],
                    r.status,
                    r.answer_bytes,
                    r.proof,
                ]
                for r in ordered_rows
            ],
        ),
        title=f"Requests to a web server tried {listed([k for k, _ in kinds.most_common(3)])}",
        time=first,
        lowered_because="" if strong else "only script tags were seen, which also stand in posts about HTML",
    )


def _sample(request: _web.Request) -> str:
    """Method and address, and what stood elsewhere in the request."""
    plain = _web.decoded(request.uri.replace("+", " "))
    elsewhere = [text for kind, text in request.kinds.items() if not kind.startswith("probe") and text not in plain]
    return cut(request.line, 90) + (f" with {cut(elsewhere[0], 50)}" if elsewhere else "")


def _slept(tables: Tables, context: Context, requests: list[_web.Request]) -> list[_web.Request]:
    """Requests that asked the database to wait, and were answered that late."""
    asked = {
        r.frame: r
        for r in requests
        if any(w in r.kinds.get("SQL injection", "").lower() for w in ("sleep", "waitfor", "benchmark"))
    }
    if not asked:
        return []
    times = tables.http.filter(
        tables.http["request_frame"].is_in(list(asked)) & (tables.http["answer_seconds"] >= context.limit("slow"))
    )
    return [asked[int(frame)] for frame in times["request_frame"].to_list()]
