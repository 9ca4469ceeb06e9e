"""LAT002: a service, task or process was made on another host."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access import _rpc
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered
from tshark_report.rules.access._rpc import Call
from tshark_report.rules.base import Context, Draft, evidence, rule
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

TOOL_PIPE = re.compile(r"(?i)(?:psexe[cs]svc|remcom_communicat|paexec|csexec|xcmd|winexe)")
"""Pipes that administrators' remote-execution tools open on the other host, by the tools' own documentation."""

MAKES = ("CreateService", "NetrJobAdd", "SchRpcRegisterTask", "ChangeServiceConfig", "SchRpcRun")


@rule(
    code="LAT002",
    name="remote-execution",
    family="access",
    title="A service, task or process was started on another host",
    question="Did one host make another run something?",
    answers=(),
    why="Creating a service, a scheduled task or a WMI process from another host is how tools are started after "
    "they were copied.",
    innocent=(
        Innocent(
            explanation="An administrator, a management server or a deployment tool.",
            tell_apart="The source is the management host, the service or task carries a product's name, and it stays.",
        ),
        Innocent(
            explanation="Backup and antivirus servers install their agents this way.",
            tell_apart="It happens once for each host, by plan, from the product's server.",
        ),
    ),
    confirm=(
        "Look for events 7045, 4697, 4698 or 4688 on the host it was done to, in the same minute.",
        "What does the service or task start? Was that program copied over just before?",
        "Which account was used, and where else?",
    ),
    references=(
        Reference(title="ATT&CK T1569.002 Service Execution", url="https://attack.mitre.org/techniques/T1569/002/"),
        Reference(title="ATT&CK T1053.005 Scheduled Task", url="https://attack.mitre.org/techniques/T1053/005/"),
        Reference(
            title="[MS-SCMR] Service Control Manager Remote Protocol",
            url="https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-scmr/",
        ),
    ),
    needs=("dcerpc", "smb"),
    thresholds={},
    weight=90.0,
)
def remote_execution(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each pair of hosts."""
    groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in _rpc.calls(tables, "run", "change"):
        groups[call.client, call.server].append(call)
    pipes = tables.smb.filter(
        ~pl.col("response").fill_null(value=False)
        & pl.col("file").str.contains(TOOL_PIPE.pattern)
        & ~pl.col("file").str.contains(r"(?i)\.(?:exe|dll|sys)")
    )
    tools: dict[tuple[str, str], list[tuple[int, str, int]]] = defaultdict(list)
    for frame, src, dst, file, two in pipes.select("frame", "src", "dst", "file", "command2").iter_rows():
        tools[str(src), str(dst)].append((int(frame), str(file), 2 if two else 1))
    drafts = []
    for pair in dict.fromkeys([*groups, *tools]):
        drafts.append(_draft(tables, context, pair, groups.get(pair, []), tools.get(pair, [])))
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def _draft(
    tables: Tables, context: Context, pair: tuple[str, str], made: list[Call], pipes: list[tuple[int, str, int]]
) -> Draft:
    client, server = pair
    counts = Counter(c.known.name for c in made)
    runs = [c for c in made if c.known.use == "run"]
    priority: Priority = "low"
    confidence: Confidence = "high"
    if any(c.known.name in MAKES for c in runs) or pipes:
        priority = "high"
    elif runs or any("registry" in c.known.name or c.known.name == "SaveKey" for c in made):
        priority, confidence = "medium", "medium"
    services = list(dict.fromkeys(c.service for c in made if c.service))
    parts, frames = [], []
    if made:
        filter_, selected = _rpc.selection(tables, client, server, made)
        parts.append(filter_)
        frames += selected
    for version, name_field in ((2, "smb2.filename"), (1, "smb.file")):
        files = sorted({file for _, file, v in pipes if v == version})
        if files:
            command = filters.equals("smb2.cmd", 5) if version == 2 else filters.one_of("smb.cmd", [0xA2, 0x2D])
            parts.append(
                filters.all_of(filters.src(client), filters.dst(server), command, filters.one_of(name_field, files))
            )
            column, codes = ("command2", [5]) if version == 2 else ("command1", [0xA2, 0x2D])
            frames += tables.smb.filter(
                (pl.col("src") == client)
                & (pl.col("dst") == server)
                & pl.col("file").is_in(files)
                & pl.any_horizontal(pl.col(column).list.contains(code) for code in codes)
            )["frame"].to_list()
    times = [c.time for c in made] or tables.smb.filter(pl.col("frame").is_in([f for f, _, _ in pipes]))[
        "time"
    ].to_list()
    told = listed([f"{name}{'' if n == 1 else f' ({n} times)'}" for name, n in counts.most_common(5)])
    named = f" for {names(services, 4)}" if services else ""
    through = f" It opened the pipe {names((f for _, f, _ in pipes), 3)}." if pipes else ""
    user = tables.smb.filter(
        (pl.col("src") == client)
        & (pl.col("dst") == server)
        & pl.col("user").is_not_null()
        & (pl.col("user") != "NULL")
    )["user"].to_list()
    as_ = f" as {cut(user[-1], 40)}" if user else ""
    reasons = listed(list(dict.fromkeys(c.known.why for c in made)), 3)
    summary = (
        f"{client}{as_} called {told or 'a remote-execution pipe'}{named} on {called(context, server)} over DCE/RPC, "
        f"{minutes(min(times), max(times))}{': ' + reasons if reasons else ''}.{through}"
    )
    lead = next((c.known.name for c in made if c.known.name in MAKES), next(iter(counts), "a remote-execution pipe"))
    return Draft(
        subject=f"{client} to {server}",
        hosts=(client, server),
        summary=summary,
        sentence=f"{client} called {lead}{named} on {called(context, server)}",
        priority=priority,
        confidence=confidence,
        display_filter=filters.any_of(*parts),
        frames=ordered(frames),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("call", "text"),
                ("interface", "text"),
                ("operation", "count"),
                ("name", "text"),
            ),
            [
                [c.time, c.frame, c.known.name, c.known.protocol, c.opnum, cut(c.service, 60)]
                for c in sorted(made, key=lambda c: (c.known.use != "run", c.time))
            ],
        )
        if made
        else evidence((("frame", "frame"), ("pipe", "text")), [[frame, cut(file, 80)] for frame, file, _ in pipes]),
        title=f"{count(len(runs), 'call')} that start{'s' if len(runs) == 1 else ''} something on another host"
        if runs
        else "A host's settings were changed from another host"
        if made
        else "A remote-execution pipe was opened",
        time=min(times),
    )
