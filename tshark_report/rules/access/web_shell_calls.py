"""WEB004: commands sent to a script on a web server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import polars as pl

from tshark_report.knowledge import load
from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access import _web
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered, towards
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count
from tshark_report.tables.tables import Tables


@lru_cache(maxsize=1)
def shell() -> dict[str, Any]:
    """Parameters, scripts and commands of web shells, compiled."""
    data: dict[str, Any] = load("web")["web_shell"]
    scripts = "|".join(map(re.escape, data["scripts"]))
    return {
        "script": re.compile(rf"(?i)\.(?:{scripts})(?:/|\Z)"),
        "parameters": frozenset(data["parameters"]),
        "named": frozenset(data["named"]),
        "command": re.compile(data["command"], re.IGNORECASE),
        "body": re.compile(data["body"]),
    }


@rule(
    code="WEB004",
    name="web-shell-calls",
    family="access",
    title="Commands were sent to a script on a web server",
    question="Is there a script on the server that runs what it is sent?",
    answers=("Q12",),
    why="A script that takes a command in a parameter (cmd=whoami) and answers with what the command printed is a "
    "web shell: "
    "somebody put it there to come back.",
    innocent=(
        Innocent(
            explanation="An administration page or a device's own interface with a parameter named cmd or command.",
            tell_apart="The values are the product's own words (cmd=list), not names of system programs, and it "
            "asks for a login.",
        ),
        Innocent(
            explanation="A scanner tries names of known web shells.",
            tell_apart="The answers are 404 or the same page as ever.",
        ),
    ),
    confirm=(
        "Does the file exist on the server, since when, and how did it come there?",
        "What did the commands do? Look at the process list and the connections of the web server's account.",
    ),
    references=(Reference(title="ATT&CK T1505.003 Web Shell", url="https://attack.mitre.org/techniques/T1505/003/"),),
    needs=("http",),
    thresholds={"calls": Threshold(1, "requests", "one command that is answered is enough")},
    weight=95.0,
)
def web_shell_calls(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and script."""
    found = [(_web.own(request), command) for request, command in marked(_web.requests(tables))[1]]
    groups: dict[tuple[str, str, int, str], list[tuple[_web.Request, str]]] = {}
    for request, command in found:
        groups.setdefault((request.client, request.server, request.port, request.uri.split("?", 1)[0]), []).append(
            (request, command)
        )
    _web.prove(tables, [r for r, _ in found])
    drafts = [_draft(tables, context, at, made) for at, made in groups.items() if len(made) >= context.limit("calls")]
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def marked(requests: list[_web.Request]) -> tuple[list[_web.Request], list[tuple[_web.Request, str]]]:
    """The requests, and those that send a system command, or code, to a script that may be there.

    Not those of a client that tries the names of many scripts and finds none: that is a scan, which WEB002 and
    WEB003 tell; their requests are marked as command injection for it.
    """
    made = _sent(requests)
    scripts: dict[str, set[str]] = {}
    for request, _ in made:
        scripts.setdefault(request.client, set()).add(request.uri.split("?", 1)[0])
    kept = []
    scans: dict[int, _web.Request] = {}
    for request, command in made:
        there = request.status is not None and 200 <= request.status < 300
        unknown = request.status is None and len(scripts[request.client]) == 1
        if there or unknown:
            kept.append((request, command))
        else:
            scan = scans[request.frame] = _web.own(request)
            scan.kinds.setdefault("command injection", command[:80])
            scan.strong = True
    return [scans.get(request.frame, request) for request in requests], kept


def _sent(requests: list[_web.Request]) -> list[tuple[_web.Request, str]]:
    made = []
    rules = shell()
    for request in requests:
        path, pairs = _web.values_of(request.uri)
        if not rules["script"].search(path):
            continue
        form = [(k, _web.decoded(v)) for k, v in request.form]
        for key, value in [*pairs, *form]:
            name = key.lower()
            if value and name in rules["parameters"] and rules["command"].match(value):
                bare = re.fullmatch(r"\s*(?:set|env|w|ps|id|ver|dir|ls)\s*", value, re.IGNORECASE)
                if bare and name not in rules["named"]:
                    continue  # `c=id` or `q=set` is an ordinary form's word
                made.append((request, value.strip()))
                break
            if value and rules["body"].search(value) and request.method == "POST":
                made.append((request, "code: " + value.strip()))
                break
        else:
            if request.method == "POST" and rules["body"].search(request.body):
                made.append((request, "code: " + request.body.strip()))
    return made


def _draft(
    tables: Tables, context: Context, at: tuple[str, str, int, str], made: list[tuple[_web.Request, str]]
) -> Draft:
    client, server, port, path = at
    requests = [r for r, _ in made]
    first, last = requests[0].time, requests[-1].time
    worked = [r for r in requests if r.proof]
    ok = [r for r in requests if r.status is not None and 200 <= r.status < 300]
    priority: Priority = "high" if worked or ok else "medium"
    confidence: Confidence = "high" if worked else "medium"
    end = ""
    if worked:
        sizes = ", ".join(f"{r.answer_bytes:,} bytes" for r in worked[:1] if r.answer_bytes)
        end = (
            f" {count(len(worked), 'answer')} held {names((r.proof for r in worked), 3)}"
            f"{f' ({sizes})' if sizes else ''}: the commands ran."
        )
    elif ok:
        end = " The server answered with success, so a script is there; what it answered is not readable here."
    target = f"{called(context, server)} port {port}"
    summary = (
        f"{client} sent {count(len(made), 'request')} with a command to {cut(path, 80)} on {target}, "
        f"{minutes(first, last)}: "
        f"{names((c for _, c in made), 5)}; {_web.answered(requests)}.{end}"
    )
    http = tables.http.filter(
        (pl.col("src") == client)
        & (pl.col("dst") == server)
        & (pl.col("dst_port") == port)
        & (pl.col("protocol") != "SSDP")
    )
    named = path.isascii() and path.isprintable() and "\\" not in path and len(path) < 200
    frames = (
        http.filter(pl.col("uri").str.starts_with(path))["frame"].to_list()
        if named
        else [r.frame for r in requests][:60]
    )
    filter_ = (
        filters.all_of(towards(client, server, port), filters.begins("http.request.uri", path))
        if named
        else filters.frames(frames)
    )
    return Draft(
        subject=f"{client} to {server}:{port}{cut(path, 100)}",
        hosts=(server, client),
        summary=summary,
        sentence=f"{client} sent commands ({names((c for _, c in made), 2)}) to {cut(path, 60)} on {target}"
        + (", which ran them" if worked else ", which answered" if ok else ""),
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=ordered(frames),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("request", "text"),
                ("command", "text"),
                ("status", "count"),
                ("answer bytes", "bytes"),
                ("answer", "text"),
            ),
            [[r.time, r.frame, cut(r.line, 100), cut(c, 100), r.status, r.answer_bytes, r.proof] for r, c in made],
        ),
        title="Commands were sent to a script on a web server" + (", and it ran them" if worked else ""),
        time=first,
    )
