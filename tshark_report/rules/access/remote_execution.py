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

TOOL_PIPE = re.compile(r"(?i)(?:psexec?svc|remcom_communicat|paexec|csexec|xcmd|winexe)")
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
    """One finding for each client."""
    groups: dict[str, list[Call]] = defaultdict(list)
    for call in _rpc.calls(tables, "run", "change"):
        groups[call.client].append(call)
    pipes = tables.smb.filter(
        ~pl.col("response").fill_null(value=False)
        & pl.col("file").str.contains(TOOL_PIPE.pattern)
        & ~pl.col("file").str.contains(r"(?i)\.(?:exe|dll|sys)")
    )
    tools = dict(pipes.group_by("src", maintain_order=True))
    opened = {str(client): rows for (client,), rows in tools.items()}
    drafts = [
        _draft(tables, context, client, groups.get(client, []), opened.get(client, pipes.clear()))
        for client in dict.fromkeys([*groups, *opened])
    ]
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[0]))
    yield from drafts[:MOST_FINDINGS]


def _judged(made: list[Call], pipes: pl.DataFrame) -> tuple[Priority, Confidence]:
    runs = [c for c in made if c.known.use == "run"]
    if any(c.known.name in MAKES for c in runs) or pipes.height:
        return "high", "high"
    if runs or any("registry" in c.known.name or c.known.name == "SaveKey" for c in made):
        return "medium", "medium"
    return "low", "high"


def _draft(tables: Tables, context: Context, client: str, made: list[Call], pipes: pl.DataFrame) -> Draft:
    counts = Counter(c.known.name for c in made)
    runs = [c for c in made if c.known.use == "run"]
    priority, confidence = _judged(made, pipes)
    servers = list(dict.fromkeys([*(c.server for c in runs or made), *pipes["dst"].to_list()]))
    services = list(dict.fromkeys(c.service for c in made if c.service))
    filter_, frames = _selection(tables, client, made, pipes)
    times = [*(c.time for c in made), *pipes["time"].to_list()]
    told = listed([f"{name}{'' if n == 1 else f' ({n} times)'}" for name, n in counts.most_common(5)])
    named = f" for {names(services, 4)}" if services else ""
    through = f" It opened the pipe {names(pipes['file'].to_list(), 3)}." if pipes.height else ""
    users = tables.smb.filter(
        (pl.col("src") == client)
        & pl.col("dst").is_in(servers)
        & pl.col("user").is_not_null()
        & (pl.col("user") != "NULL")
    )["user"].to_list()
    as_ = f" as {cut(users[-1], 40)}" if users else ""
    reasons = listed(list(dict.fromkeys(c.known.why for c in made)), 3)
    on = listed([called(context, s) for s in servers], 5)
    many = f"{count(len(servers), 'host')} ({on})" if len(servers) > 1 else on
    summary = (
        f"{client}{as_} called {told or 'a remote-execution pipe'}{named} on {many} over DCE/RPC, "
        f"{minutes(min(times), max(times))}{': ' + reasons if reasons else ''}.{through}"
    )
    lead = next((c.known.name for c in made if c.known.name in MAKES), next(iter(counts), "a remote-execution pipe"))
    rows = [
        [c.time, c.frame, c.server, c.known.name, c.known.protocol, c.opnum, cut(c.service, 60)]
        for c in sorted(made, key=lambda c: (c.known.use != "run", c.time))
    ] + [[r["time"], r["frame"], r["dst"], "pipe opened", "SMB", None, cut(r["file"], 80)] for r in pipes.to_dicts()]
    title = "A remote-execution pipe was opened"
    if runs:
        title = f"{count(len(runs), 'call')} that start{'s' if len(runs) == 1 else ''} something on another host"
    elif made:
        title = "A host's settings were changed from another host"
    return Draft(
        subject=client,
        hosts=(client, *servers[:6]),
        summary=summary,
        sentence=f"{client} called {lead}{named} on {many}",
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("server", "address"),
                ("call", "text"),
                ("interface", "text"),
                ("operation", "count"),
                ("name", "text"),
            ),
            rows,
        ),
        title=title,
        time=min(times),
    )


def _selection(tables: Tables, client: str, made: list[Call], pipes: pl.DataFrame) -> tuple[str, list[int]]:
    parts, frames = [], []
    for server in list(dict.fromkeys(c.server for c in made))[:20]:
        filter_, selected = _rpc.selection(tables, client, server, [c for c in made if c.server == server])
        parts.append(filter_)
        frames += selected
    opens = ((2, "smb2.filename", "smb2.cmd", [5], "command2"), (1, "smb.file", "smb.cmd", [0xA2, 0x2D], "command1"))
    for version, name_field, command, codes, column in opens:
        mine = pipes.filter(
            pl.col("command2").list.len().fill_null(0) > 0 if version == 2 else pl.col("command1").list.len() > 0
        )
        files = mine["file"].unique().sort().to_list()
        if files:
            opening = pl.any_horizontal(pl.col(column).list.contains(code) for code in codes)
            frames += tables.smb.filter((pl.col("src") == client) & pl.col("file").is_in(files) & opening)[
                "frame"
            ].to_list()
            parts.append(
                filters.all_of(filters.src(client), filters.one_of(command, codes), filters.one_of(name_field, files))
            )
    return filters.any_of(*parts), ordered(frames)
